import { invariant } from '../../../base/index.ts';
import type { ReplicaId } from '../types.ts';
import { Inflights, type InflightLimits } from './inflights.ts';

/**
 * `probe`: where the logs agree is not known; one message per heartbeat answer at most.
 * `replicate`: entries are streamed ahead of their acknowledgement, within the window.
 * `snapshot`: a snapshot is under way; no entries until it is reported or acknowledged.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export interface ProgressStart {
  readonly id: ReplicaId;
  readonly next: number;
  readonly isLearner: boolean;
  readonly limits: InflightLimits;
}

/** What the leader knows about one replica. */
export class Progress {
  readonly id: ReplicaId;
  readonly inflights: Inflights;
  isLearner: boolean;
  state: ProgressState = 'probe';
  /** Highest index known to be durable there. 0 <= match < next. */
  match = 0;
  /** First index to send next. In `snapshot` it is `pendingSnapshot + 1`. */
  next: number;
  /** Index of the snapshot under way; 0 outside of `snapshot`. */
  pendingSnapshot = 0;
  /** A message came from it since the last quorum check. */
  recentActive = false;
  /** The flow waits for an answer: a probe is out, or the window is full. */
  isFlowPaused = false;
  /** Entries for it are being loaded by the caller. */
  isLoading = false;
  /** Newest read round that it has confirmed. */
  readRound = 0;
  /** Commit index last sent to it, as if nothing were ever lost: saves empty messages. */
  #sentCommit = 0;

  constructor(start: ProgressStart) {
    this.id = start.id;
    this.next = start.next;
    this.isLearner = start.isLearner;
    this.inflights = new Inflights(start.limits);
  }

  /** No append may leave now. */
  get isPaused(): boolean {
    return this.isLoading || this.state === 'snapshot' || this.isFlowPaused;
  }

  becomeProbe(): void {
    const next = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1;
    this.#enter('probe');
    this.#rewindTo(next);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** An acknowledgement of everything up to `index`; false when it tells nothing new. */
  matchTo(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isFlowPaused = false;
    return true;
  }

  /**
   * The append after `rejectedPrev` did not fit; the logs may agree at `hint`. False for a rejection that is out of
   * date: its message was sent before something newer was learnt.
   */
  rejectAt(rejectedPrev: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejectedPrev <= this.match) return false;
      this.#rewindTo(this.match + 1);
      return true;
    }
    if (this.next - 1 !== rejectedPrev) return false;
    this.#rewindTo(Math.max(Math.min(rejectedPrev, hint + 1), this.match + 1));
    this.isFlowPaused = false;
    return true;
  }

  /** An append with `entryCount` entries has left. */
  appendSent(entryCount: number, bytes: number): void {
    invariant(this.state !== 'snapshot', 'no append leaves during a snapshot', { replica: this.id });
    if (this.state === 'probe') {
      if (entryCount > 0) this.isFlowPaused = true;
      return;
    }
    if (entryCount > 0) {
      this.next += entryCount;
      this.inflights.add(this.next - 1, bytes);
    }
    // An empty append into a full window counts as the probe that keeps the stream alive; it, too, waits for an answer.
    this.isFlowPaused = this.inflights.isFull;
  }

  commitSent(commit: number): void {
    this.#sentCommit = commit;
  }

  /** An empty append would tell it of commits that it does not know yet. */
  wantsCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.pendingSnapshot = 0;
    this.isFlowPaused = false;
    this.isLoading = false;
    this.inflights.clear();
  }

  #rewindTo(next: number): void {
    invariant(next > this.match, 'next is above match', { replica: this.id, next, match: this.match });
    this.next = next;
    this.#sentCommit = Math.min(this.#sentCommit, next - 1);
  }
}
