import { invariant } from '../../../base/index.ts';
import { quorumValue, quorumVotes, type VoteResult } from '../quorum/quorum.ts';
import type { ConfState, ReplicaId } from '../types.ts';
import type { InflightLimits } from './inflights.ts';
import { Progress } from './progress.ts';

/** The configuration in force, the progress of its members, and the votes of an election. */
export class Tracker {
  readonly #limits: InflightLimits;
  #conf: ConfState;
  /** Ascending by id: messages leave in an order that does not depend on how members came. */
  #members: readonly Progress[] = [];
  readonly #byId = new Map<ReplicaId, Progress>();
  readonly #votes = new Map<ReplicaId, boolean>();
  readonly #matchOf = (id: ReplicaId): number => this.#byId.get(id)?.match ?? 0;
  readonly #readRoundOf = (id: ReplicaId): number => this.#byId.get(id)?.readRound ?? 0;
  readonly #activityOf = (id: ReplicaId): boolean => this.#byId.get(id)?.recentActive ?? false;
  readonly #voteOf = (id: ReplicaId): boolean | undefined => this.#votes.get(id);

  constructor(conf: ConfState, next: number, limits: InflightLimits) {
    this.#limits = limits;
    this.#conf = conf;
    this.setConf(conf, next);
  }

  get conf(): ConfState {
    return this.#conf;
  }

  get isJoint(): boolean {
    return this.#conf.votersOutgoing.length > 0;
  }

  /** Members in ascending order of their ids. */
  get members(): readonly Progress[] {
    return this.#members;
  }

  progress(id: ReplicaId): Progress | undefined {
    return this.#byId.get(id);
  }

  isVoter(id: ReplicaId): boolean {
    return this.#conf.voters.includes(id) || this.#conf.votersOutgoing.includes(id);
  }

  /** Takes a configuration into force. New members start at `next`; members that stay keep their progress. */
  setConf(conf: ConfState, next: number): void {
    this.#conf = conf;
    const ids = memberIds(conf);
    for (const id of [...this.#byId.keys()]) if (!ids.includes(id)) this.#byId.delete(id);
    for (const id of ids) this.#admit(id, next);
    this.#members = ids.map((id) => this.#byId.get(id)).filter((member) => member !== undefined);
    invariant(this.#members.length === ids.length, 'every member has progress', { ids });
  }

  /** Forgets what an earlier leadership knew. */
  resetProgress(next: number): void {
    this.#byId.clear();
    this.setConf(this.#conf, next);
    for (const member of this.#members) member.recentActive = false;
  }

  /** The highest index that a quorum has on disk. */
  committedIndex(): number {
    return quorumValue(this.#conf, this.#matchOf);
  }

  /** The newest read round that a quorum has confirmed. */
  confirmedReadRound(): number {
    return quorumValue(this.#conf, this.#readRoundOf);
  }

  isQuorumActive(): boolean {
    return quorumVotes(this.#conf, this.#activityOf) === 'won';
  }

  /** True when these two alone are a quorum, of both halves of a joint configuration. */
  isQuorumOf(one: ReplicaId, other: ReplicaId): boolean {
    return quorumVotes(this.#conf, (voter) => voter === one || voter === other || undefined) === 'won';
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** The first answer of a voter counts. */
  recordVote(id: ReplicaId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  voteResult(): VoteResult {
    return quorumVotes(this.#conf, this.#voteOf);
  }

  #admit(id: ReplicaId, next: number): void {
    const isLearner = !this.isVoter(id);
    const known = this.#byId.get(id);
    if (known !== undefined) {
      known.isLearner = isLearner;
      return;
    }
    const member = new Progress({ id, next, isLearner, limits: this.#limits });
    // Someone new gets until the next quorum check to answer, or adding it could depose the leader.
    member.recentActive = true;
    this.#byId.set(id, member);
  }
}

function memberIds(conf: ConfState): ReplicaId[] {
  const ids = new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners]);
  return [...ids].sort((a, b) => a - b);
}
