import { asError, type Clock, pause } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { CollectionIndex } from '../collection-index.ts';
import type { PointStore } from '../point-store.ts';
import type { SerialLock } from '../serial-lock.ts';
import type { ShardState } from '../shard-state.ts';

/** After a failure; fields are a convenience of searches. */
const RETRY_MS = 5_000;

interface FieldBuilderDeps {
  readonly store: PointStore;
  readonly clock: Clock;
  /** Held by every turn. */
  readonly lock: SerialLock;
  readonly states: ReadonlyMap<number, ShardState>;
  readonly logger: Logger;
}

/**
 * Brings the values of fields that were added into an index that has its points already: reads every shard once, beside the
 * turns, which bring the values of what they change. Searches rely on the fields when all of it was read.
 */
export class FieldBuilder {
  readonly #deps: FieldBuilderDeps;
  readonly #closing = new AbortController();
  readonly #running = new Map<CollectionIndex, Promise<void>>();

  constructor(deps: FieldBuilderDeps) {
    this.#deps = deps;
  }

  /** Harmless when there is nothing to do, or when it is being done. */
  start(index: CollectionIndex): void {
    if (this.#running.has(index) || this.#isStopping()) return;
    const running = this.#buildAll(index).finally(() => this.#running.delete(index));
    this.#running.set(index, running);
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running.values());
  }

  #isStopping(): boolean {
    return this.#closing.signal.aborted;
  }

  async #buildAll(index: CollectionIndex): Promise<void> {
    const { clock, logger } = this.#deps;
    const { signal } = this.#closing;
    while (index.fields.building.length > 0 && !this.#isStopping()) {
      try {
        await this.#build(index);
      } catch (error) {
        if (this.#isStopping()) return;
        logger.warn('indexing a field failed; it is tried again', { reason: asError(error).message });
        await pause(clock, RETRY_MS, signal);
      }
    }
  }

  async #build(index: CollectionIndex): Promise<void> {
    const { store, lock, states } = this.#deps;
    const { signal } = this.#closing;
    const specs = index.fields.building;
    const { incarnation } = index;
    // A shard that comes later, or anew, is read with its values.
    for (const { shard, generation } of [...states.values()].filter((state) => index.isLive(state.shard))) {
      const slice = { shard, generation, collection: index.schema.id };
      // Between two turns: what is not in the read comes with its values.
      const chunks = await lock.run(() => Promise.resolve(store.scan(slice)));
      for await (const points of chunks) {
        signal.throwIfAborted();
        await index.addValues(specs, slice, points);
      }
    }
    // Another index has taken the place of the one that was filled: its own fields are ready, these have to be read again.
    if (index.incarnation === incarnation) index.fields.setReady(specs);
  }
}
