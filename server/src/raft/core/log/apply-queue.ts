import { invariant } from '../../../base/index.ts';
import type { Entry, ReplicaId } from '../types.ts';
import { bytesOf } from './entry-bytes.ts';
import type { RaftLog } from './raft-log.ts';

interface Batch {
  readonly lastIndex: number;
  readonly bytes: number;
}

export interface ApplyQueueOptions {
  readonly replica: ReplicaId;
  readonly applied: number;
  /** Most bytes handed out and not applied yet; one entry above it is still handed out alone. */
  readonly bytesMax: number;
}

/** Hands out committed and durable entries in order, each once, and stops while the state machine is behind. */
export class ApplyQueue {
  readonly #log: RaftLog;
  readonly #options: ApplyQueueOptions;
  #applied: number;
  /** Index up to which entries were handed out. applied <= handedOut <= committed. */
  #handedOut: number;
  readonly #batches: Batch[] = [];
  #bytes = 0;
  /** The caller is loading entries. */
  #isLoading = false;

  constructor(log: RaftLog, options: ApplyQueueOptions) {
    this.#log = log;
    this.#options = options;
    this.#applied = options.applied;
    this.#handedOut = options.applied;
  }

  get applied(): number {
    return this.#applied;
  }

  /** Everything handed out is applied. */
  get isDone(): boolean {
    return this.#applied === this.#handedOut;
  }

  get hasNext(): boolean {
    return this.#handedOut < this.#limit && !this.#isLoading && this.#bytes < this.#options.bytesMax;
  }

  /** The next entries to apply; empty when there are none or the caller has to load them first. */
  take(): readonly Entry[] {
    if (!this.hasNext) return [];
    const result = this.#log.entries({
      from: this.#handedOut + 1,
      to: this.#limit + 1,
      bytesMax: this.#options.bytesMax - this.#bytes,
      replica: this.#options.replica,
    });
    invariant(result.kind !== 'compacted', 'nothing is compacted before it is applied', {
      index: this.#handedOut + 1,
    });
    if (result.kind === 'unavailable') {
      this.#isLoading = true;
      return [];
    }
    const bytes = bytesOf(result.entries);
    this.#handedOut += result.entries.length;
    this.#bytes += bytes;
    this.#batches.push({ lastIndex: this.#handedOut, bytes });
    return result.entries;
  }

  loaded(): void {
    this.#isLoading = false;
  }

  /** Entries up to `index` are applied; a snapshot may have overtaken them. */
  appliedTo(index: number): void {
    if (index <= this.#applied) return;
    invariant(index <= this.#handedOut, 'only what was handed out is applied', {
      index,
      handedOut: this.#handedOut,
    });
    this.#applied = index;
    while (this.#batches[0] !== undefined && this.#batches[0].lastIndex <= index) {
      this.#bytes -= this.#batches.shift()?.bytes ?? 0;
    }
  }

  /** A snapshot up to `index` is the applied state now. */
  restoredTo(index: number): void {
    this.#handedOut = Math.max(this.#handedOut, index);
    this.appliedTo(index);
  }

  /** Committed, and durable on this node's own disk: else a crash could leave the state ahead of the log. */
  get #limit(): number {
    return Math.min(this.#log.committed, this.#log.stableIndex);
  }
}
