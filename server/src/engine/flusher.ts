import { asError } from '../base/index.ts';
import type { KvStore } from '../storage/index.ts';
import type { ShardState } from './shard-state.ts';

/**
 * Flushes `data/`, whose writes have no log of their own, and knows from completed flushes what is durable. One flush
 * covers all shards; at most one runs and at most one waits behind it, however many callers there are.
 */
export class Flusher {
  readonly #kv: KvStore;
  readonly #intervalEntries: number;
  readonly #states: () => Iterable<ShardState>;
  readonly #onFailure: (error: Error) => void;
  readonly #durable = new Map<number, ShardState>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(o: {
    readonly kv: KvStore;
    /** Applied entries of one shard after which its state is flushed. */
    readonly intervalEntries: number;
    /** States whose batches are written. */
    readonly states: () => Iterable<ShardState>;
    /** A flush has failed: nothing more can become durable through this store. */
    readonly onFailure: (error: Error) => void;
  }) {
    this.#kv = o.kv;
    this.#intervalEntries = o.intervalEntries;
    this.#states = o.states;
    this.#onFailure = o.onFailure;
  }

  /** Takes over what was read from the disk when the store was opened. */
  opened(state: ShardState): void {
    this.#durable.set(state.shard, state);
  }

  /** Index up to which the effects of a shard's entries survive a crash; 0: none. */
  durableApplied(shard: number): number {
    return this.#durable.get(shard)?.applied ?? 0;
  }

  /** Starts a flush by itself when the shard is an interval ahead of what is durable. */
  noteApplied(state: ShardState): void {
    if (this.#running !== undefined) return;
    const since = this.#durable.get(state.shard);
    const from = since?.generation === state.generation ? since.applied : 0;
    if (state.applied - from < this.#intervalEntries) return;
    void Promise.allSettled([this.flush()]);
  }

  /** Resolves when everything written before this call is durable. */
  flush(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    // The flush that runs may have started before the last write: one that starts later is needed.
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(running: Promise<void>): Promise<void> {
    await Promise.allSettled([running]);
    this.#next = undefined;
    await (this.#running ?? this.#begin());
  }

  #begin(): Promise<void> {
    this.#running = this.#flushOnce().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #flushOnce(): Promise<void> {
    const covered = [...this.#states()];
    try {
      await this.#kv.flush();
    } catch (error) {
      this.#onFailure(asError(error));
      throw error;
    }
    for (const state of covered) this.#durable.set(state.shard, state);
  }
}
