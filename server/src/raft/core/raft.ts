import type { Random } from '../../base/index.ts';
import { campaign } from './election.ts';
import { applyConfChange } from './membership.ts';
import { leaveJointWhenDue, propose, proposeConfChange } from './proposals.ts';
import { readIndex } from './reads/reads.ts';
import { ReadyMaker } from './ready.ts';
import { sendAppend, streamAppends } from './replication.ts';
import { becomeFollower, forgetLeader } from './roles.ts';
import { RaftState } from './state.ts';
import { step } from './step.ts';
import { tick } from './tick.ts';
import type { Progress } from './tracker/progress.ts';
import { transferLeader } from './transfer.ts';
import {
  type ConfChange,
  type ConfChangeResult,
  type ConfState,
  type LogStorage,
  type Message,
  NO_REPLICA,
  type ProgressStatus,
  type ProposeResult,
  type Raft,
  type RaftOptions,
  type RaftStatus,
  type Ready,
  type ReplicaId,
} from './types.ts';

/**
 * A replica as it comes up from `storage`: a follower that has heard no leader. `random` draws the election timeouts.
 * A contradiction in what was stored breaks an invariant.
 */
export function createRaft(options: RaftOptions, storage: LogStorage, random: Random): Raft {
  const state = new RaftState(options, storage, random);
  becomeFollower(state, state.term, NO_REPLICA);
  return new Replica(state);
}

class Replica implements Raft {
  readonly #state: RaftState;
  readonly #ready: ReadyMaker;

  constructor(state: RaftState) {
    this.#state = state;
    this.#ready = new ReadyMaker(state);
  }

  tick(): void {
    tick(this.#state);
  }

  step(message: Message): void {
    step(this.#state, message);
  }

  campaign(): void {
    campaign(this.#state);
  }

  propose(data: readonly Buffer[]): ProposeResult {
    return propose(this.#state, data);
  }

  proposeConfChange(change: ConfChange): ConfChangeResult {
    return proposeConfChange(this.#state, change);
  }

  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#state, change);
  }

  readIndex(context: number): void {
    readIndex(this.#state, context);
  }

  transferLeader(transferee: ReplicaId): void {
    transferLeader(this.#state, transferee);
  }

  reportUnreachable(replica: ReplicaId): void {
    const member = this.#memberOf(replica);
    // What was under way may be lost: find out where the logs agree before streaming again.
    if (member?.state === 'replicate') member.becomeProbe();
  }

  reportSnapshot(replica: ReplicaId, ok: boolean): void {
    const member = this.#memberOf(replica);
    if (member?.state !== 'snapshot') return;
    if (!ok) member.pendingSnapshot = 0;
    member.becomeProbe();
    // Its acknowledgement, or the next heartbeat answer, starts the appends.
    member.isFlowPaused = true;
  }

  entriesLoaded(replica: ReplicaId): void {
    if (replica === this.#state.id) this.#state.applyQueue.loaded();
    const member = this.#memberOf(replica);
    if (member?.isLoading !== true) return;
    member.isLoading = false;
    sendAppend(this.#state, member);
    streamAppends(this.#state, member);
  }

  forgetLeader(): void {
    forgetLeader(this.#state);
  }

  hasReady(): boolean {
    return this.#ready.hasReady;
  }

  ready(): Ready {
    return this.#ready.ready();
  }

  onAppended(token: number): void {
    this.#ready.onAppended(token);
  }

  onApplied(index: number): void {
    this.#state.applyQueue.appliedTo(index);
    leaveJointWhenDue(this.#state);
    this.#takeDeferredSnapshot();
  }

  status(): RaftStatus {
    const { id, role, leader, term, vote, log, applyQueue, tracker, transferee } = this.#state;
    return {
      id,
      role,
      leader,
      term,
      vote,
      commit: log.committed,
      applied: applyQueue.applied,
      lastIndex: log.lastIndex,
      confState: tracker.conf,
      transferee,
      progress: role === 'leader' ? tracker.members.map(statusOf) : [],
    };
  }

  #takeDeferredSnapshot(): void {
    const message = this.#state.deferredSnapshot;
    if (message === undefined || !this.#state.applyQueue.isDone) return;
    this.#state.deferredSnapshot = undefined;
    step(this.#state, message);
  }

  /** Progress counts on the leader alone. */
  #memberOf(replica: ReplicaId): Progress | undefined {
    return this.#state.role === 'leader' ? this.#state.tracker.progress(replica) : undefined;
  }
}

function statusOf(member: Progress): ProgressStatus {
  const { id, isLearner, match, next, state, recentActive } = member;
  return { replica: id, isLearner, match, next, state, recentActive };
}
