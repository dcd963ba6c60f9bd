import { asError, type Clock, type Timer } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { type KvStore, WriteBatch } from '../storage/index.ts';
import type { CollectionIndex } from './collection-index.ts';
import type { Flusher } from './flusher.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { journalKey, shardStateKey } from './keys.ts';
import type { SerialLock } from './serial-lock.ts';
import { encodeShardState, type ShardState } from './shard-state.ts';

/** Changes after which an index is saved: at least this many, and a tenth of its points. */
const SAVE_CHANGES_MIN = 50_000;
const SAVE_CHANGES_SHARE = 0.1;
/** An index with any change, or of which more is linked, is saved after this time. */
const SAVE_PERIOD_MS = 5 * 60_000;

export interface IndexSaverOptions {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly keeper: IndexKeeper;
  readonly flusher: Flusher;
  readonly lock: SerialLock;
  readonly states: Map<number, ShardState>;
  readonly logger: Logger;
  /** An index is being filled from the store: it catches up by the journal, so that this is not trimmed meanwhile. */
  readonly isRebuilding: () => boolean;
  /** The store has failed while a save used it. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Saves the vector indexes now and then, so that a restart needs little catching up, and trims the journal to what
 * the saved files still need. One save runs at a time.
 */
export class IndexSaver {
  readonly #o: IndexSaverOptions;
  readonly #timer: Timer;
  #running: Promise<void> | undefined;
  /** After a failure only the timer tries again: the next turn would fail in the same way. */
  #hasFailed = false;

  constructor(options: IndexSaverOptions) {
    this.#o = options;
    this.#timer = options.clock.every(SAVE_PERIOD_MS, () => this.#startSaving(1));
  }

  /** Called after every turn. */
  noteChanges(): void {
    this.#startSaving(SAVE_CHANGES_MIN);
  }

  /** Saves every index that has changed, after a save that runs already. */
  async save(): Promise<void> {
    await this.#running;
    await this.#begin(this.#changed(1));
  }

  /** Stops the timer and waits for a running save. */
  async stop(): Promise<void> {
    this.#timer.cancel();
    await this.#running;
  }

  #startSaving(changesMin: number): void {
    if (this.#running !== undefined || (this.#hasFailed && changesMin !== 1)) return;
    const changed = this.#changed(changesMin);
    if (changed.length > 0) void this.#begin(changed);
  }

  #changed(changesMin: number): CollectionIndex[] {
    return [...this.#o.keeper.all()].filter((index) => {
      // Linking goes on after the last write: the file of an index at rest has its whole graph.
      if (changesMin === 1 && index.hasLinkedSinceSave) return true;
      const share = changesMin === 1 ? 0 : SAVE_CHANGES_SHARE * index.stats().live;
      return index.changesSinceSave >= Math.max(changesMin, share);
    });
  }

  #begin(changed: readonly CollectionIndex[]): Promise<void> {
    this.#running = this.#saveAll(changed)
      .catch((error: unknown) => this.#o.onFailure(asError(error)))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #saveAll(changed: readonly CollectionIndex[]): Promise<void> {
    this.#hasFailed = false;
    for (const index of changed) await this.#saveOne(index);
    if (!this.#o.isRebuilding()) await this.#trimJournal();
  }

  /** Rejects only when the store fails: an index file is a cache, without it the next start takes longer. */
  async #saveOne(index: CollectionIndex): Promise<void> {
    const { keeper, flusher, lock, states, logger } = this.#o;
    const path = keeper.pathOf(index.schema);
    // A file must never be ahead of the store. Most is flushed now, so that turns wait only for the rest.
    await flusher.flush();
    const { written } = await lock.run(async () => {
      await flusher.flush();
      return index.startSave(path, states);
    });
    try {
      await written;
    } catch (error) {
      this.#hasFailed = true;
      const reason = asError(error).message;
      logger.warn('saving a vector index failed; it is tried again later', { path, reason });
    }
  }

  /** Rows that every file has passed are of no use any more. */
  async #trimJournal(): Promise<void> {
    const { kv, lock, states } = this.#o;
    await lock.run(async () => {
      const trimmed = [...states.values()].flatMap((state) => {
        const journalAfter = this.#savedUpTo(state);
        return journalAfter > state.journalAfter ? [{ ...state, journalAfter }] : [];
      });
      if (trimmed.length === 0) return;
      const batch = new WriteBatch();
      for (const state of trimmed) {
        batch.deleteRange(journalKey(state, 0), journalKey(state, state.journalAfter + 1));
        batch.put(shardStateKey(state), encodeShardState(state));
      }
      await kv.write(batch, { sync: false });
      for (const state of trimmed) states.set(state.shard, state);
    });
  }

  /** Index up to which the files of all collections hold a shard; 0: one of them does not. */
  #savedUpTo(state: ShardState): number {
    const applied = [...this.#o.keeper.all()].map((index) => {
      const saved = index.saved.get(state.shard);
      return saved?.generation === state.generation ? saved.applied : 0;
    });
    return applied.length === 0 ? 0 : Math.min(...applied);
  }
}
