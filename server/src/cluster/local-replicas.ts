import { invariant } from '../base/index.ts';
import type { CollectionSchema } from '../model/index.ts';
import type { Logger } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import type { GroupReport, NodeStatus } from './node-status.ts';
import type { GroupState, Groups, LocalShards } from './ports.ts';
import type { FormationRecord } from './record.ts';
import type { ClusterMap, ClusterOptions, ShardPlacement } from './types.ts';

/** Most voters of `meta`: more would make every change wait for more disks, and five survive two losses. */
const META_VOTERS_MAX = 5;

interface LocalReplicasDeps {
  readonly nodeId: string;
  readonly groups: Groups;
  readonly shards: LocalShards;
  readonly logger: Logger;
}

/** The replicas that this node runs: `meta` from the record, shards and collections from the map. */
export class LocalReplicas {
  readonly #deps: LocalReplicasDeps;
  readonly #collections = new Map<number, CollectionSchema>();
  readonly #shards = new Set<number>();
  #following: Promise<void> = Promise.resolve();
  #areStarted = false;

  constructor(deps: LocalReplicasDeps) {
    this.#deps = deps;
  }

  /** True once a map has been followed to its end. */
  get areStarted(): boolean {
    return this.#areStarted;
  }

  /** A collection that this node serves: its index is there. */
  collection(id: number): CollectionSchema | undefined {
    return this.#collections.get(id);
  }

  startMeta(o: {
    readonly record: FormationRecord;
    readonly applied: number;
    readonly isNew: boolean;
  }): void {
    const { founders } = o.record;
    const nodes = new Map(founders.map(({ nodeId }, position) => [position + 1, nodeId]));
    const position = founders.findIndex(({ nodeId }) => nodeId === this.#deps.nodeId);
    invariant(position >= 0, 'a founder is named in its record', { nodeId: this.#deps.nodeId });
    this.#deps.groups.startGroup({
      group: META_GROUP,
      replicaId: position + 1,
      nodes,
      bootstrapVoters: [...nodes.keys()].slice(0, META_VOTERS_MAX),
      bootstrapLearners: [...nodes.keys()].slice(META_VOTERS_MAX),
      applied: o.applied,
      campaignAtOnce: founders.length === 1 || (o.isNew && position === 0),
    });
  }

  /** Starts what the map gives to this node and does not run yet. Calls run one after another. */
  follow(map: ClusterMap, isNew: boolean): Promise<void> {
    const following = this.#following.then(() => this.#followAlone(map, isNew));
    this.#following = following.catch(() => undefined);
    return following;
  }

  /** Settles when every map so far has been followed. */
  settled(): Promise<void> {
    return this.#following;
  }

  status(options: ClusterOptions, isStopping: boolean): NodeStatus {
    const { groups } = this.#deps;
    return {
      nodeId: options.nodeId,
      version: options.version,
      addresses: options.addresses,
      zone: options.zone,
      isStopping,
      groups: groups.groups().map((group) => this.#report(group, groups.status(group))),
    };
  }

  /** A shard takes entries only when the index of every collection is there to apply them to. */
  async #followAlone(map: ClusterMap, isNew: boolean): Promise<void> {
    const held = map.shards.filter(({ shard, replicas }) => {
      return !this.#shards.has(shard) && replicas.some(({ nodeId }) => nodeId === this.#deps.nodeId);
    });
    for (const { shard } of held) this.#deps.shards.openShard(shard, this.#deps.groups.generation(shard));
    for (const schema of map.collections) {
      if (this.#collections.has(schema.id)) continue;
      await this.#deps.shards.setCollection(schema);
      this.#collections.set(schema.id, schema);
    }
    for (const placement of held) this.#startShard(placement, isNew);
    this.#areStarted = true;
  }

  #startShard({ shard, replicas, preferredLeader }: ShardPlacement, isNew: boolean): void {
    const own = replicas.find(({ nodeId }) => nodeId === this.#deps.nodeId);
    invariant(own !== undefined, 'a started shard has a replica here', { shard });
    this.#shards.add(shard);
    this.#deps.groups.startGroup({
      group: shard,
      replicaId: own.replicaId,
      nodes: new Map(replicas.map(({ replicaId, nodeId }) => [replicaId, nodeId])),
      bootstrapVoters: replicas.map(({ replicaId }) => replicaId),
      applied: this.#deps.shards.applied(shard),
      campaignAtOnce: replicas.length === 1 || (isNew && preferredLeader === this.#deps.nodeId),
    });
  }

  #report(group: number, { leaderNode, raft }: GroupState): GroupReport {
    return {
      group,
      replicaId: raft.id,
      role: raft.confState.learners.includes(raft.id) ? 'learner' : reportedRole(raft.role),
      term: raft.term,
      leaderNode,
      commit: raft.commit,
      applied: raft.applied,
      vectors: this.#shards.has(group) ? this.#deps.shards.vectors(group) : 0,
      progress: raft.progress,
    };
  }
}

function reportedRole(role: GroupState['raft']['role']): GroupReport['role'] {
  return role === 'preCandidate' ? 'candidate' : role;
}
