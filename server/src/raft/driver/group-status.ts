import { NO_REPLICA } from '../core/index.ts';
import type { GroupStart, GroupStatus } from '../types.ts';
import type { Replica } from './replica.ts';

/** The core's part is made when it is asked for: it lists the progress of every follower. */
export function statusOf(replica: Replica): GroupStatus {
  return {
    group: replica.group,
    leaderNode: replica.leaderNode,
    isLeader: replica.isLeader,
    get raft() {
      return replica.core.status();
    },
    get configurationIndex() {
      return replica.log.configurationIndex;
    },
    get durableConfigurationIndex() {
      return replica.log.durableConfigurationIndex;
    },
    get isVoter() {
      return replica.isVoter;
    },
    lastHeardLeaderMs: replica.lastHeardLeaderMs,
    damage: undefined,
  };
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
