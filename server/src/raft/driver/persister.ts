import type { Clock } from '../../base/index.ts';
import type { Persist } from '../core/index.ts';
import type { DiskSpeed } from './disk-speed.ts';
import type { LogStore } from '../log/log-store.ts';
import type { RaftFloor, RaftMetrics } from '../types.ts';
import type { Replica } from './replica.ts';

/** Bytes of entries in one write batch, unless a single `Persist` is larger. */
const BATCH_BYTES_MAX = 32 * 2 ** 20;

export interface Pending {
  readonly replica: Replica;
  readonly persist: Persist;
  /** Where the data of its snapshot lie. */
  readonly generation?: number | undefined;
}

/**
 * Group commit: one write batch at a time for all groups of the node. What arrives while the disk works rides in the
 * next batch, so the batches grow with the load and no timer is needed.
 */
export class Persister {
  readonly #store: LogStore;
  readonly #clock: Clock;
  readonly #metrics: RaftMetrics | undefined;
  readonly #floor: RaftFloor | undefined;
  readonly #speed: DiskSpeed;
  /** The newest term and vote of each replica that the floor has. */
  readonly #promised = new Map<Replica, { readonly term: number; readonly vote: number }>();
  readonly #onDurable: (batch: readonly Pending[]) => void;
  readonly #onError: (error: unknown) => void;
  #pending: Pending[] = [];
  #syncedSequence = 0;
  #hasFailed = false;
  #isUrgent = false;
  #inFlight: Promise<void> | undefined;

  constructor(o: {
    readonly store: LogStore;
    readonly clock: Clock;
    readonly metrics: RaftMetrics | undefined;
    readonly floor: RaftFloor | undefined;
    readonly speed: DiskSpeed;
    readonly onDurable: (batch: readonly Pending[]) => void;
    readonly onError: (error: unknown) => void;
  }) {
    this.#store = o.store;
    this.#clock = o.clock;
    this.#metrics = o.metrics;
    this.#floor = o.floor;
    this.#speed = o.speed;
    this.#onDurable = o.onDurable;
    this.#onError = o.onError;
  }

  get syncedSequence(): number {
    return this.#syncedSequence;
  }

  add(replica: Replica, persist: Persist, generation?: number): void {
    this.#pending.push({ replica, persist, generation });
    this.#isUrgent ||= persist.mustSync || persist.messagesAfter.length > 0;
  }

  /**
   * Starts a batch unless one is under way. A batch that nothing waits for (only commit indexes moved) is held back for
   * the next urgent one, until `force`; so is forgetting old entries.
   */
  flush(force: boolean): void {
    if (this.#inFlight !== undefined || !(force || this.#isUrgent)) return;
    if (this.#pending.length === 0 && !this.#store.isCompactionDue) return;
    const batch = this.#takeBatch();
    this.#inFlight = this.#write(batch).catch((error: unknown) => {
      // It stays under way: nothing is written after it.
      this.#hasFailed = true;
      this.#onError(error);
    });
  }

  /** Runs `work`, which writes to the store by itself, with no batch under way. Rejects when a batch has failed. */
  async alone(work: () => Promise<void>): Promise<void> {
    while (this.#inFlight !== undefined && !this.#hasFailed) await this.#inFlight;
    if (this.#hasFailed) throw new Error('an earlier write of the store has failed');
    const working = work().finally(() => {
      this.#inFlight = undefined;
    });
    // A failed write is the caller's to report; batches that wait here go on when it has ended.
    this.#inFlight = working.catch(() => undefined);
    await working;
  }

  /** Resolves when the batch under way, if any, is durable or has failed. */
  async settled(): Promise<void> {
    await this.#inFlight;
  }

  #takeBatch(): Pending[] {
    let count = 0;
    for (let bytes = 0; count < this.#pending.length && bytes < BATCH_BYTES_MAX; count += 1) {
      for (const entry of (this.#pending[count] as Pending).persist.entries) bytes += entry.data.length;
    }
    const batch = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    this.#isUrgent = this.#pending.length > 0;
    return batch;
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const startMs = this.#clock.nowMs();
    const synced = batch.some(({ persist }) => persist.mustSync);
    const staged = batch.map(({ replica, ...what }) => ({ log: replica.log, ...what }));
    if (synced) this.#speed.began();
    const written = await this.#store.write(staged, { sync: synced });
    if (synced) {
      this.#speed.ended();
      this.#syncedSequence = this.#store.sequence;
      await this.#raiseFloor(batch);
    }
    this.#inFlight = undefined;
    if (written.bytes > 0)
      this.#metrics?.persisted({ ...written, synced, seconds: (this.#clock.nowMs() - startMs) / 1000 });
    this.#onDurable(batch);
  }

  /** A vote, or the term that an answer reveals, is in the floor too before it leaves. */
  async #raiseFloor(batch: readonly Pending[]): Promise<void> {
    if (this.#floor === undefined) return;
    this.#floor.synced(this.#store.sequence);
    const changed = new Map<Replica, { readonly term: number; readonly vote: number }>();
    for (const { replica, persist } of batch) {
      const known = this.#promised.get(replica);
      const { hardState } = persist;
      if (hardState === undefined) continue;
      if (hardState.term !== known?.term || hardState.vote !== known.vote) changed.set(replica, hardState);
    }
    if (changed.size === 0) return;
    await this.#floor.votes(
      [...changed].map(([{ group, id }, { term, vote }]) => ({ group, replicaId: id, term, vote })),
    );
    for (const [replica, promise] of changed) this.#promised.set(replica, promise);
  }
}
