import { NO_REPLICA, type RaftStatus } from '../core/index.ts';
import type { GroupStart, GroupStatus } from '../types.ts';
import type { Replica } from './replica.ts';

/** What costs something is made when it is asked for: every request asks every group for its status. */
export class ReplicaStatus implements GroupStatus {
  readonly group: number;
  readonly leaderNode: string | undefined;
  readonly isLeader: boolean;
  readonly damage = undefined;
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
    this.group = replica.group;
    this.leaderNode = replica.leaderNode;
    this.isLeader = replica.isLeader;
  }

  get raft(): RaftStatus {
    return this.#replica.core.status();
  }

  get configurationIndex(): number {
    return this.#replica.log.configurationIndex;
  }

  get durableConfigurationIndex(): number {
    return this.#replica.log.durableConfigurationIndex;
  }

  get isVoter(): boolean {
    return this.#replica.isVoter;
  }

  get lastHeardLeaderMs(): number {
    return this.#replica.lastHeardLeaderMs;
  }
}

/** A replica that takes no part: it knows no term and no leader. */
export function damagedStatus(start: GroupStart, reason: string): GroupStatus {
  return {
    group: start.group,
    leaderNode: undefined,
    isLeader: false,
    raft: {
      id: start.replicaId,
      role: 'follower',
      leader: NO_REPLICA,
      term: 0,
      vote: NO_REPLICA,
      commit: 0,
      applied: start.applied,
      lastIndex: 0,
      confState: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
      transferee: NO_REPLICA,
      progress: [],
    },
    configurationIndex: 0,
    durableConfigurationIndex: 0,
    isVoter: false,
    lastHeardLeaderMs: 0,
    damage: reason,
  };
}
