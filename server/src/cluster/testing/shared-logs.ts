import { NotLeaderError } from '../../base/index.ts';
import type { CommittedBatch, CommittedEntry, Groups, GroupStart, GroupState } from '../ports.ts';

interface Applier {
  apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]>;
}

interface Replica {
  readonly start: GroupStart;
  readonly applier: Applier;
  applied: number;
  turn: Promise<unknown>;
}

interface SharedLog {
  readonly entries: CommittedEntry[];
  readonly replicas: Map<string, Replica>;
}

/**
 * Consensus by construction: one log a group and cluster, kept in one place and applied by every replica in order. A
 * group has a leader, the first of its started voters, while a majority of its voters is started.
 */
export class SharedLogs {
  readonly #logs = new Map<string, SharedLog>();
  readonly #listeners = new Map<
    string,
    ((group: number, leader: string | undefined, own: boolean) => void)[]
  >();

  #isHeld = false;

  /** The groups of one node; `clusterId` is asked when a group starts. */
  host(nodeId: string, clusterId: () => string | undefined, applier: Applier): Groups {
    const own = new Map<number, SharedLog>();
    this.#listeners.set(nodeId, []);
    return {
      generation: () => 1,
      isDiskSlow: false,
      replicaId: (group) => own.get(group)?.replicas.get(nodeId)?.start.replicaId,
      setNodes: () => undefined,
      // Who belongs to a log does not change here.
      changeMembership: () => {
        throw new Error('the members of a shared log stay');
      },
      stopGroup: () => Promise.reject(new Error('the members of a shared log stay')),
      resetGroup: () => Promise.reject(new Error('the members of a shared log stay')),
      startGroup: (start) => {
        const log = this.#log(`${clusterId() ?? ''}/${start.group}`);
        own.set(start.group, log);
        const replica: Replica = { start, applier, applied: start.applied, turn: Promise.resolve() };
        log.replicas.set(nodeId, replica);
        void catchUp(log, replica);
        this.#announce(start.group, log);
      },
      propose: (group, command) => {
        const log = own.get(group);
        const leader = log === undefined ? undefined : leaderOf(log);
        if (log === undefined || leader !== nodeId)
          return { promise: Promise.reject(new NotLeaderError(leader)) };
        if (this.#isHeld) return { promise: new Promise(() => undefined) };
        const index = log.entries.length + 1;
        log.entries.push({ index, term: 1, kind: 'normal', data: command });
        const results = [...log.replicas].map(([replicaNode, replica]) => {
          const turn = catchUp(log, replica);
          return replicaNode === nodeId ? turn : undefined;
        });
        const applied = results.find((result) => result !== undefined);
        return { promise: Promise.resolve(applied).then((all) => ({ index, result: all?.at(-1) })) };
      },
      transferLeader: () => undefined,
      status: (group) => stateOf(own.get(group) as SharedLog, nodeId),
      groups: () => [...own.keys()],
      onLeaderChange: (listener) => this.#listeners.get(nodeId)?.push(listener),
    };
  }

  /** From now on proposals wait for ever, as those of a leader that has lost its quorum. */
  hold(): void {
    this.#isHeld = true;
  }

  /** The node's replicas end, as at a crash. */
  leave(nodeId: string): void {
    for (const log of this.#logs.values()) log.replicas.delete(nodeId);
    this.#listeners.delete(nodeId);
  }

  #log(key: string): SharedLog {
    const log = this.#logs.get(key) ?? { entries: [], replicas: new Map<string, Replica>() };
    this.#logs.set(key, log);
    return log;
  }

  #announce(group: number, log: SharedLog): void {
    const leader = leaderOf(log);
    for (const [nodeId, listeners] of this.#listeners) {
      if (log.replicas.has(nodeId))
        for (const listener of listeners) listener(group, leader, leader === nodeId);
    }
  }
}

function leaderOf(log: SharedLog): string | undefined {
  const voters = new Set([...log.replicas.values()].flatMap(({ start }) => start.bootstrapVoters));
  return log.replicas.size * 2 > voters.size ? [...log.replicas.keys()].sort()[0] : undefined;
}

/** Applies what the replica lacks; answers the results of this step. */
function catchUp(log: SharedLog, replica: Replica): Promise<readonly unknown[]> {
  const entries = log.entries.slice(replica.applied);
  if (entries.length === 0) return Promise.resolve([]);
  replica.applied = log.entries.length;
  const step = replica.turn.then(() => replica.applier.apply([{ group: replica.start.group, entries }]));
  replica.turn = step;
  return step.then((results) => results[0] ?? []);
}

function stateOf(log: SharedLog, nodeId: string): GroupState {
  const replica = log.replicas.get(nodeId);
  const leaderNode = leaderOf(log);
  const isLeader = leaderNode === nodeId;
  const last = log.entries.length;
  const progress = [...log.replicas.values()].map(({ start, applied }) => {
    return {
      replica: start.replicaId,
      isLearner: false,
      match: applied,
      state: 'replicate',
      recentActive: true,
    } as const;
  });
  return {
    leaderNode,
    isLeader,
    damage: undefined,
    configurationIndex: 0,
    durableConfigurationIndex: 0,
    raft: {
      role: isLeader ? 'leader' : 'follower',
      id: replica?.start.replicaId ?? 0,
      term: 1,
      commit: last,
      applied: replica?.applied ?? 0,
      lastIndex: last,
      transferee: 0,
      confState: { voters: replica?.start.bootstrapVoters ?? [], votersOutgoing: [], learners: [] },
      progress: isLeader ? progress : [],
    },
  };
}
