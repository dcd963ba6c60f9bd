import { invariant } from '../../../base/index.ts';
import type { ReplicaId } from '../types.ts';

export interface ReadRequest {
  readonly from: ReplicaId;
  readonly context: number;
}

export interface ConfirmedRound {
  readonly round: number;
  /** The commit index when the round started. */
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

/**
 * The leader's reads (thesis 6.4). A read waits in the queue until a round starts; a round starts after its reads
 * arrived, and is confirmed when a quorum has answered a heartbeat of that round or a later one. Rounds are told apart by
 * a counter that never goes back, so an answer to an earlier round cannot confirm a later one.
 */
export class ReadRounds {
  readonly #pendingMax: number;
  #queued: ReadRequest[] = [];
  /** Started, oldest first. */
  readonly #rounds: ConfirmedRound[] = [];
  #round = 0;
  #pending = 0;

  constructor(pendingMax: number) {
    this.#pendingMax = pendingMax;
  }

  get hasQueued(): boolean {
    return this.#queued.length > 0;
  }

  /** The newest round started, whose heartbeats confirm all earlier ones; 0 when no read waits for an answer. */
  get openRound(): number {
    return this.#rounds.length === 0 ? 0 : this.#round;
  }

  /** False when too many reads are pending. */
  enqueue(request: ReadRequest): boolean {
    if (this.#pending >= this.#pendingMax) return false;
    this.#queued.push(request);
    this.#pending += 1;
    return true;
  }

  /** A round without reads, later than all before. */
  begin(): number {
    this.#round += 1;
    return this.#round;
  }

  /** Opens a round for everything queued and answers its number; reads in it see at least `commit`. */
  start(commit: number): number {
    invariant(this.hasQueued, 'a round has a read');
    this.#round += 1;
    this.#rounds.push({ round: this.#round, index: commit, requests: this.#queued });
    this.#queued = [];
    return this.#round;
  }

  /** The oldest round when a quorum has confirmed `round`; call until it answers undefined. */
  takeConfirmed(round: number): ConfirmedRound | undefined {
    const oldest = this.#rounds[0];
    if (oldest === undefined || oldest.round > round) return undefined;
    this.#rounds.shift();
    this.#pending -= oldest.requests.length;
    return oldest;
  }

  /** Forgets every read, and answers them. */
  drain(): readonly ReadRequest[] {
    const requests = [...this.#rounds.flatMap((round) => round.requests), ...this.#queued];
    this.#rounds.length = 0;
    this.#queued = [];
    this.#pending = 0;
    return requests;
  }
}
