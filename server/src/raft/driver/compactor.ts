import type { LogStore } from '../log/log-store.ts';
import type { Applier, RaftMetrics } from '../types.ts';
import type { Replica } from './replica.ts';

/** A log that is larger forgets more than the threshold asks, until half of this is left. */
const LOG_BYTES_MAX = 64 * 2 ** 20;
/** Entries to forget at a time, so that a batch does not carry a deletion for every entry. */
const STEP_MAX = 1024;

/**
 * Keeps the logs short. A log forgets what is applied and durable there; the newest applied entries stay, so that a replica
 * that was away for a short time needs no snapshot.
 */
export class Compactor {
  readonly #store: LogStore;
  readonly #applier: Applier;
  readonly #threshold: (() => number) | undefined;
  readonly #metrics: RaftMetrics | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #flushing = new Map<number, Promise<void>>();

  constructor(o: {
    readonly store: LogStore;
    readonly applier: Applier;
    /** Applied entries that a group keeps; undefined: all. */
    readonly threshold: (() => number) | undefined;
    readonly metrics: RaftMetrics | undefined;
    readonly onError: (error: unknown) => void;
  }) {
    this.#store = o.store;
    this.#applier = o.applier;
    this.#threshold = o.threshold;
    this.#metrics = o.metrics;
    this.#onError = o.onError;
  }

  /** Looks at one group; what it finds is done with the next write batch. */
  check({ group, log, applied }: Replica): void {
    const threshold = this.#threshold?.();
    if (threshold === undefined) return;
    const isLarge = log.storedBytes > LOG_BYTES_MAX;
    const wanted = Math.max(applied - threshold, isLarge ? log.indexLeaving(LOG_BYTES_MAX / 2) : 0);
    const base = log.firstIndex() - 1;
    const step = Math.max(1, Math.min(STEP_MAX, Math.floor(threshold / 8)));
    if (wanted - base < (isLarge ? 1 : step)) return;
    const durable = this.#applier.durableApplied(group);
    const target = Math.min(wanted, applied, durable);
    if (target < wanted) this.#flush(group);
    if (target <= base) return;
    this.#store.compact(log, target);
    this.#metrics?.compacted(group, target - base);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#flushing.values());
  }

  /** One at a time for each group. */
  #flush(group: number): void {
    if (this.#flushing.has(group)) return;
    const flushing = this.#applier
      .flush(group)
      .catch(this.#onError)
      .finally(() => this.#flushing.delete(group));
    this.#flushing.set(group, flushing);
  }
}
