import type { CollectionSchema } from '../model/index.ts';
import type { Logger } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import type { GroupReport, NodeStatus } from './node-status.ts';
import type { GroupState, Groups, LocalShards } from './ports.ts';
import { placementOf } from './meta-repairs.ts';
import type { MetaStore } from './meta-store.ts';
import { metaBootstrap, nodesOf } from './placement.ts';
import type { ClusterMap, ClusterOptions, GroupPlacement, MetaPlacement, ShardPlacement } from './types.ts';

interface LocalReplicasDeps {
  readonly nodeId: string;
  readonly groups: Groups;
  readonly shards: LocalShards;
  readonly logger: Logger;
  /** The state machine of `meta`. */
  readonly meta: Pick<MetaStore, 'applied' | 'reset'>;
}

/** What is needed to run a replica of one group here. */
interface Place {
  readonly group: number;
  readonly placement: GroupPlacement;
  readonly bootstrap: { readonly voters: readonly number[]; readonly learners: readonly number[] };
  readonly campaigns: boolean;
  readonly applied: () => number;
  /** Empties the state; answers its generation. */
  readonly reset: () => Promise<number>;
}

/** The replicas that this node runs: `meta` from the record, shards and collections from the map. */
export class LocalReplicas {
  readonly #deps: LocalReplicasDeps;
  readonly #collections = new Map<number, CollectionSchema>();
  /** Open ones. */
  readonly #shards = new Set<number>();
  /** Replica id of every group that was started. */
  readonly #running = new Map<number, number>();
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

  /** Starts the replica of `meta`, or brings it to what a newer placement says. Calls run one after another. */
  placeMeta(placement: MetaPlacement, o: { readonly campaigns: boolean }): Promise<void> {
    const { meta } = this.#deps;
    return this.#inOrder(() =>
      this.#place({
        group: META_GROUP,
        placement,
        bootstrap: metaBootstrap(placement),
        campaigns: o.campaigns,
        applied: () => meta.applied,
        reset: () => meta.reset(),
      }),
    );
  }

  /** Starts what the map gives to this node and does not run yet. Calls run one after another. */
  follow(map: ClusterMap, isNew: boolean): Promise<void> {
    return this.#inOrder(() => this.#followAlone(map, isNew));
  }

  /** The nodes of replicas, as a map says that this node has not applied yet. */
  setNodes(map: ClusterMap): void {
    for (const [group, replicaId] of this.#running) {
      const placement = placementOf(map, group);
      if (placement !== undefined) this.#setNodes(group, replicaId, placement);
    }
  }

  /** Settles when every map so far has been followed. */
  settled(): Promise<void> {
    return this.#following;
  }

  status(
    options: ClusterOptions,
    own: Pick<NodeStatus, 'isStopping' | 'mapVersion' | 'disk' | 'isDiskSlow'>,
  ): NodeStatus {
    const { groups } = this.#deps;
    return {
      nodeId: options.nodeId,
      version: options.version,
      addresses: options.addresses,
      zone: options.zone,
      ...own,
      groups: groups.groups().map((group) => this.#report(group, groups.status(group))),
    };
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const working = this.#following.then(work);
    this.#following = working.catch(() => undefined);
    return working;
  }

  /** A shard takes entries only when the index of every collection is there to apply them to. */
  async #followAlone(map: ClusterMap, isNew: boolean): Promise<void> {
    const { nodeId, shards, groups } = this.#deps;
    const held = map.shards.filter(({ replicas }) => replicas.some((replica) => replica.nodeId === nodeId));
    for (const { shard } of held) {
      if (this.#shards.has(shard)) continue;
      shards.openShard(shard, groups.generation(shard));
      this.#shards.add(shard);
    }
    for (const schema of map.collections) {
      const known = this.#collections.get(schema.id);
      if (known === undefined)
        await shards.setCollection({ ...schema, binaryQuantization: map.settings.binaryQuantization });
      if (known?.payloadIndexes !== schema.payloadIndexes)
        await shards.setPayloadIndexes(schema.id, schema.payloadIndexes);
      this.#collections.set(schema.id, schema);
    }
    for (const placement of held) await this.#placeShard(placement, isNew);
    this.#areStarted = true;
  }

  #placeShard(placement: ShardPlacement, isNew: boolean): Promise<void> {
    const { nodeId, shards } = this.#deps;
    const { shard, replicas, preferredLeader } = placement;
    return this.#place({
      group: shard,
      placement,
      bootstrap: { voters: placement.founders, learners: [] },
      campaigns: replicas.length === 1 || (isNew && preferredLeader === nodeId),
      applied: () => shards.applied(shard),
      reset: () => shards.reset(shard),
    });
  }

  /**
   * Runs the replica that the placement gives to this node. One that it has replaced is stopped, and its log and state are
   * emptied: whoever takes its place begins with nothing.
   */
  async #place({ group, placement, bootstrap, campaigns, applied, reset }: Place): Promise<void> {
    const { nodeId, groups, logger } = this.#deps;
    const own = placement.replicas.find((replica) => replica.nodeId === nodeId);
    if (own === undefined) return;
    const running = this.#running.get(group);
    const stored = running ?? groups.replicaId(group);
    // The map on the disk may be older than the log.
    const replicaId = Math.max(own.replicaId, stored ?? 0);
    if (running === replicaId) {
      this.#setNodes(group, replicaId, placement);
      return;
    }
    if (running !== undefined) await groups.stopGroup(group);
    if (stored !== undefined && stored !== replicaId) {
      logger.warn('a replica begins anew in place of another one', { group, replicaId, former: stored });
      await groups.resetGroup(group, { replicaId, generation: await reset() });
    }
    const isFounder = placement.founders.includes(replicaId);
    this.#running.set(group, replicaId);
    groups.startGroup({
      group,
      replicaId,
      nodes: nodesOf(placement).set(replicaId, nodeId),
      bootstrapVoters: isFounder ? bootstrap.voters : [],
      bootstrapLearners: isFounder ? bootstrap.learners : [],
      applied: applied(),
      campaignAtOnce: isFounder && campaigns,
    });
  }

  #setNodes(group: number, replicaId: number, placement: GroupPlacement): void {
    const { groups, nodeId } = this.#deps;
    groups.setNodes(group, nodesOf(placement).set(replicaId, nodeId));
  }

  #report(group: number, state: GroupState): GroupReport {
    const { leaderNode, raft, isLeader, damage, configurationIndex: index } = state;
    const { voters, votersOutgoing, learners } = raft.confState;
    return {
      group,
      replicaId: raft.id,
      role: raft.confState.learners.includes(raft.id) ? 'learner' : reportedRole(raft.role),
      term: raft.term,
      leaderNode,
      commit: raft.commit,
      applied: raft.applied,
      vectors: this.#shards.has(group) ? this.#deps.shards.vectors(group) : 0,
      isDamaged: damage !== undefined,
      durableConfiguration: state.durableConfigurationIndex,
      configuration: isLeader ? { index, voters, votersOutgoing, learners } : undefined,
      progress: raft.progress,
    };
  }
}

function reportedRole(role: GroupState['raft']['role']): GroupReport['role'] {
  return role === 'preCandidate' ? 'candidate' : role;
}
