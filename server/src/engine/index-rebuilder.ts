import { asError, type Clock, pause, type Timer } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import type { CollectionIndex } from './collection-index.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { SerialLock } from './serial-lock.ts';
import type { ShardState } from './shard-state.ts';
import type { IndexStats } from './vector-index-port.ts';

/** Part of the slots that is dead when an index is worth making anew: searches walk through them for nothing. */
const DEAD_SHARE = 0.25;
/** Fewer cost next to nothing. */
const DEAD_MIN = 1_000;
const CHECK_PERIOD_MS = 5_000;
/** After a rebuild that failed, for instance for want of memory. */
const RETRY_MS = 5 * 60_000;
/**
 * Slots that wait to be linked while the new index is filled. Above it the filling waits, so that all of it goes at the
 * pace of linking, which takes what others leave of the processors.
 */
const UNLINKED_MAX = 4_096;
/** Slots that a search may have to scan right after the switch. */
const UNLINKED_AT_SWITCH = 1_000;
const PACE_MS = 10;
/** What a new index needs, more than its live slots have in the old one: it grows meanwhile. */
const MEMORY_MARGIN = 1.25;
/** Nothing was linked for so long: the graph cannot grow, or the machine has no time for it. */
const STALLED_MS = 10 * 60_000;

export interface IndexRebuilderOptions {
  readonly clock: Clock;
  readonly keeper: IndexKeeper;
  /** Held by every turn. */
  readonly lock: SerialLock;
  /** Open shards. */
  readonly states: ReadonlyMap<number, ShardState>;
  /** Bytes of memory that this node may still use; without it any amount. */
  readonly memoryLeft?: (() => number) | undefined;
  readonly logger: Logger;
  /** The store has failed while a rebuild read it. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Makes an index with many dead slots anew: a fresh one is filled from the store while the old one serves, is fed by
 * turns as soon as it holds a shard, and takes the old one's place between two turns. One at a time: it needs the
 * memory of a second index. A crash at any moment leaves the old file, which the journal still reaches.
 */
export class IndexRebuilder {
  readonly #o: IndexRebuilderOptions;
  readonly #timer: Timer;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #notBeforeMs = -Infinity;
  /** Until then the log has what is to be said about memory. */
  #quietUntilMs = -Infinity;
  #completed = 0;

  constructor(options: IndexRebuilderOptions) {
    this.#o = options;
    this.#timer = options.clock.every(CHECK_PERIOD_MS, () => this.#check());
  }

  /** Rebuilds since the engine was opened. */
  get completed(): number {
    return this.#completed;
  }

  /** The journal is needed from where the new index was begun. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Gives up a rebuild that runs; the old index goes on. */
  async stop(): Promise<void> {
    this.#timer.cancel();
    this.#closing.abort();
    await this.#running;
  }

  #check(): void {
    const { clock, keeper } = this.#o;
    if (this.#running !== undefined || clock.nowMs() < this.#notBeforeMs) return;
    const index = [...keeper.all()].find((candidate) => isWorthRebuilding(candidate.stats()));
    if (index === undefined || !this.#hasMemoryFor(index)) return;
    this.#running = this.#rebuild(index).finally(() => {
      this.#running = undefined;
    });
  }

  /** Both indexes are in memory until the switch. */
  #hasMemoryFor(index: CollectionIndex): boolean {
    const { clock, logger, memoryLeft } = this.#o;
    const { bytes, live, slots } = index.stats();
    const neededBytes = Math.ceil(MEMORY_MARGIN * bytes * (live / slots));
    const leftBytes = memoryLeft?.() ?? Infinity;
    if (neededBytes <= leftBytes) return true;
    // Looked at again with the next check: every deletion makes the new index smaller.
    if (clock.nowMs() < this.#quietUntilMs) return false;
    this.#quietUntilMs = clock.nowMs() + RETRY_MS;
    const collection = index.schema.id;
    logger.warn('a vector index has no memory to be rebuilt in', { collection, neededBytes, leftBytes });
    return false;
  }

  async #rebuild(index: CollectionIndex): Promise<void> {
    const { clock, keeper, logger } = this.#o;
    const collection = index.schema.id;
    const { slots, dead } = index.stats();
    const startMs = clock.nowMs();
    logger.info('a vector index is rebuilt without its dead slots', { collection, slots, dead });
    const fresh = keeper.fresh(index.schema);
    index.beginSuccession(fresh);
    try {
      await this.#replace(index, fresh);
      this.#completed += 1;
      const ms = Math.round(clock.nowMs() - startMs);
      logger.info('a vector index was rebuilt', { collection, slots: index.stats().slots, ms });
    } catch (error) {
      index.endSuccession();
      await fresh.close();
      this.#gaveUp(collection, asError(error));
    }
  }

  async #replace(index: CollectionIndex, fresh: CollectionIndex): Promise<void> {
    const { keeper, lock, states } = this.#o;
    const { signal } = this.#closing;
    const pace = (): Promise<void> => this.#linkedUpTo(UNLINKED_MAX, index, fresh);
    for (;;) {
      await keeper.fill(fresh, { signal, pace });
      // A writer that is faster than linking keeps both indexes from being linked completely.
      await this.#linkedUpTo(Math.max(UNLINKED_AT_SWITCH, index.stats().unlinked), index, fresh);
      await keeper.bringUp(index.schema.id);
      const before = await lock.run(() => index.succeed(states.keys()));
      if (before === undefined) continue;
      // Searches that walk through it end first.
      await before.close();
      return;
    }
  }

  async #linkedUpTo(unlinkedMax: number, index: CollectionIndex, fresh: CollectionIndex): Promise<void> {
    const { clock } = this.#o;
    const { signal } = this.#closing;
    let last = { linked: -1, atMs: clock.nowMs() };
    for (;;) {
      signal.throwIfAborted();
      index.checkSuccessor();
      const { linked, unlinked } = fresh.stats();
      if (unlinked <= unlinkedMax) return;
      if (linked > last.linked) last = { linked, atMs: clock.nowMs() };
      if (clock.nowMs() - last.atMs > STALLED_MS) throw new StalledError();
      await pause(clock, PACE_MS, signal);
    }
  }

  #gaveUp(collection: number, error: Error): void {
    const { clock, logger, onFailure } = this.#o;
    if (this.#closing.signal.aborted) return;
    this.#notBeforeMs = clock.nowMs() + RETRY_MS;
    if (!isOfIndex(error)) {
      onFailure(error);
      return;
    }
    const reason = error.message;
    logger.warn('rebuilding a vector index failed; it is tried again later', { collection, reason });
  }
}

class StalledError extends Error {
  readonly code = 'INDEX_STALLED';

  constructor() {
    super('nothing was linked for too long');
  }
}

export function isWorthRebuilding({ slots, dead }: Pick<IndexStats, 'slots' | 'dead'>): boolean {
  return dead >= DEAD_MIN && dead >= DEAD_SHARE * slots;
}

/** It concerns the new index only; everything else is about the store. */
function isOfIndex(error: Error): boolean {
  if (!('code' in error)) return false;
  const code = String(error.code);
  return code.startsWith('INDEX_') || code === 'OUT_OF_MEMORY';
}
