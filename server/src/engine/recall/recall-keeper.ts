import { asError, type Clock, type Random, type Timer } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { CollectionIndex } from '../collection-index.ts';
import type { ShardState } from '../shard-state.ts';
import { RecallMeter } from './recall-meter.ts';

/** How often it is looked whether an index has to be measured. */
const LOOK_MS = 5_000;
/** Candidates of a search that names a recall before that was measured: enough for most. */
const UNMEASURED_EF = 512;

interface RecallDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly states: ReadonlyMap<number, ShardState>;
  readonly indexes: () => Iterable<CollectionIndex>;
}

/** Measures the recall of the node's indexes in the background, one at a time, anew when they have changed. */
export class RecallKeeper {
  readonly #deps: RecallDeps;
  readonly #meters = new Map<CollectionIndex, RecallMeter>();
  readonly #timer: Timer;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: RecallDeps) {
    this.#deps = deps;
    this.#timer = deps.clock.every(LOOK_MS, () => this.#look());
  }

  noteQuery(index: CollectionIndex, query: Float32Array): void {
    this.#meterOf(index).noteQuery(query);
  }

  /** Candidates of a search for `k` results that is to reach the recall. */
  efFor(index: CollectionIndex, target: number, k: number): number {
    return this.#meterOf(index).efFor(target, k) ?? Math.max(UNMEASURED_EF, k);
  }

  /** Of searches with so many candidates for 10 results, the lowest of all indexes; undefined until it was measured. */
  recallAt(ef: number): number | undefined {
    const recalls = [...this.#meters.values()].map((meter) => meter.recallAt(ef));
    const known = recalls.filter((recall) => recall !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  async stop(): Promise<void> {
    this.#timer.cancel();
    this.#closing.abort();
    await this.#running;
  }

  #look(): void {
    this.#running ??= this.#measureDue().finally(() => {
      this.#running = undefined;
    });
  }

  async #measureDue(): Promise<void> {
    const { indexes, states, logger } = this.#deps;
    const { signal } = this.#closing;
    for (const index of indexes()) {
      const meter = this.#meterOf(index);
      const shards = [...states.values()].filter(({ shard }) => index.isLive(shard));
      try {
        if (shards.length > 0 && meter.isDue()) await meter.measure(shards, signal);
      } catch (error) {
        if (signal.aborted) return;
        // Tried again at the next look: a queue may have been full, or the index closed.
        logger.debug('the recall was not measured', { reason: asError(error).message });
      }
    }
  }

  #meterOf(index: CollectionIndex): RecallMeter {
    let meter = this.#meters.get(index);
    if (meter === undefined) this.#meters.set(index, (meter = new RecallMeter(index, this.#deps)));
    return meter;
  }
}
