import type { ClusterPicture } from '../../server/src/cluster/cluster-view.ts';
import { applyMetaCommand } from '../../server/src/cluster/meta-state.ts';
import type { MetaCommand } from '../../server/src/cluster/meta-command.ts';
import type { NodeStatus } from '../../server/src/cluster/node-status.ts';
import { placeMeta, placeShards } from '../../server/src/cluster/placement.ts';
import { type GroupChange, planRepairs } from '../../server/src/cluster/repair-plan.ts';
import type { ClusterMap, ClusterSettings, Member } from '../../server/src/cluster/types.ts';

function memberOf(nodeId: string, store: number): Member {
  const address = `${nodeId}:1`;
  return {
    nodeId,
    storeUuid: `store ${store}`,
    raftAddress: address,
    grpcAddress: address,
    restAddress: address,
    zone: '',
  };
}

/** The cluster map, and what its leader would do about it: the production planner over what the nodes report. */
export class SimMap {
  map: ClusterMap;
  /** Commands that changed the map. */
  changes = 0;
  #stores = 0;

  constructor(o: {
    readonly nodeIds: readonly string[];
    readonly shardCount: number;
    readonly replicaCount: number;
  }) {
    const settings: ClusterSettings = {
      ...o,
      dimension: 1,
      metric: 'dot',
      binaryQuantization: false,
      m: 16,
    };
    this.map = {
      clusterId: 'sim',
      version: 1,
      settings,
      members: o.nodeIds.map((nodeId) => memberOf(nodeId, (this.#stores += 1))),
      meta: placeMeta(o.nodeIds),
      shards: placeShards({ ...o }),
      collections: [],
    };
  }

  /** A node has lost its disk: other replicas take the place of all that it had. */
  readmit(nodeId: string): void {
    const former = this.map.members.find((member) => member.nodeId === nodeId)?.storeUuid ?? '';
    this.apply({ kind: 'readmitMember', former, member: memberOf(nodeId, (this.#stores += 1)) });
  }

  apply(command: MetaCommand): void {
    const before = this.map;
    this.map = applyMetaCommand(this.map, command, this.map.version + 1).map ?? this.map;
    if (this.map !== before) this.changes += 1;
  }

  /** Applies what the planner wants to be changed in the map; answers the steps for the leaders of the groups. */
  plan(heard: readonly NodeStatus[]): readonly GroupChange[] {
    const picture: ClusterPicture = {
      map: this.map,
      heard: new Map(heard.map((status) => [status.nodeId, { status, ageMs: 0 }])),
      listeningMs: 60_000,
    };
    const { commands, changes } = planRepairs(picture);
    for (const command of commands) this.apply(command);
    return changes;
  }

  /** Who shall be where, and what each node says of it. */
  describe(heard: readonly NodeStatus[]): string {
    const groups = this.map.shards.map(({ shard, replicas, leaving }) => {
      const list = (placed: typeof replicas): string =>
        placed.map(({ replicaId, nodeId }) => `${replicaId} on ${nodeId}`).join(', ');
      const told = heard.flatMap(({ nodeId, groups: reports }) =>
        reports
          .filter(({ group }) => group === shard)
          .map(({ replicaId, role, isDamaged, commit, term, configuration }) => {
            const { voters = [], learners = [] } = configuration ?? {};
            const state = isDamaged ? 'damaged' : `${role}, term ${term}, commit ${commit}`;
            return `${nodeId} runs ${replicaId} (${state}; voters ${voters.join()}; learners ${learners.join()})`;
          }),
      );
      return `group ${shard}: wanted ${list(replicas)}; leaving ${list(leaving)}; ${told.join('; ')}`;
    });
    return groups.join(' | ');
  }

  /** Every group has the voters that it shall have: one of them may be lost. */
  isWhole(heard: readonly NodeStatus[]): boolean {
    const isDamaged = heard.some(({ groups }) => groups.some((report) => report.isDamaged));
    return (
      !isDamaged &&
      this.map.shards.every(({ shard, replicas, leaving }) => {
        if (leaving.length > 0) return false;
        const wanted = replicas.map(({ replicaId }) => replicaId).join();
        return heard.some(({ groups }) =>
          groups.some(
            ({ group, configuration }) =>
              group === shard &&
              configuration?.votersOutgoing.length === 0 &&
              configuration.learners.length === 0 &&
              configuration.voters.join() === wanted,
          ),
        );
      })
    );
  }
}
