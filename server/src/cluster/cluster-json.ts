import { META_GROUP } from '../raft/index.ts';
import {
  type ClusterPicture,
  type GroupLeader,
  holds,
  leaderOf,
  liveReplicas,
  type NodeState,
  nodeStateOf,
  reportOf,
  silenceMs,
  vectorsOf,
} from './cluster-view.ts';
import type { DiskState } from '../storage/index.ts';
import type { ReplicaPlacement, ShardPlacement } from './types.ts';

/** The answers of `GET /cluster/info`, `/cluster/nodes` and `/cluster/shards`, key by key as they are sent. */

export interface ClusterInfo {
  readonly cluster_id: string;
  readonly node_id: string;
  /** Leader of `meta`. */
  readonly leader_id: string | null;
  readonly term: number;
  readonly state: 'healthy' | 'degraded' | 'unavailable';
  readonly nodes: { readonly total: number; readonly healthy: number };
  readonly shards: {
    readonly total: number;
    readonly leaderless: number;
    readonly under_replicated: number;
    readonly migrating: number;
  };
  readonly replica_count: number;
  readonly vectors: number;
  readonly metadata_version: number;
  readonly version: string;
}

export interface NodesInfo {
  readonly nodes: readonly NodeInfo[];
}

interface NodeInfo {
  readonly node_id: string;
  readonly rest_address: string;
  readonly grpc_address: string;
  readonly raft_address: string;
  readonly state: NodeState;
  /** In `meta`. */
  readonly role: 'leader' | 'follower' | 'learner';
  readonly shards_led: number;
  readonly shards_held: number;
  readonly vectors: number;
  readonly store_uuid: string;
  /** Null when the node's configuration names none. */
  readonly zone: string | null;
  /** Null until the node has been heard. */
  readonly version: string | null;
  /** Room on its disk, as it said last; null until it has been heard. */
  readonly disk: DiskState | null;
  /** Replicas on it whose log cannot be trusted: they take no part until they are replaced. */
  readonly damaged_replicas: readonly (number | 'meta')[];
  /** Milliseconds since it was last heard; null when it never was since this node started. */
  readonly last_seen_ms: number | null;
}

export interface ShardsInfo {
  readonly shards: readonly ShardInfo[];
}

interface ShardInfo {
  readonly shard_id: number;
  readonly state: 'healthy' | 'degraded' | 'unavailable';
  readonly leader: string | null;
  readonly preferred_leader: string;
  readonly vectors: number;
  readonly applied_index: number;
  readonly replicas: readonly ReplicaInfo[];
}

interface ReplicaInfo {
  readonly node_id: string;
  readonly role: 'voter' | 'learner';
  /** How its leader sends to it; `unreachable` while the node is silent, `unknown` without a leader. */
  readonly state: 'replicating' | 'probing' | 'snapshot' | 'unreachable' | 'unknown';
  /** Null where it is not known. */
  readonly match_index: number | null;
  readonly applied_index: number | null;
  readonly vectors: number | null;
}

export interface SelfDescription {
  readonly nodeId: string;
  readonly version: string;
}

export function infoOf(picture: ClusterPicture, self: SelfDescription): ClusterInfo {
  const { map } = picture;
  const meta = leaderOf(picture, META_GROUP);
  const healthy = map.members.filter((member) => nodeStateOf(picture, member) === 'healthy').length;
  const leaderless = map.shards.filter(({ shard }) => leaderOf(picture, shard) === undefined).length;
  const target = map.settings.replicaCount;
  const underReplicated = map.shards.filter((shard) => liveReplicas(picture, shard) < target).length;
  const whole = meta !== undefined && healthy === map.members.length && leaderless + underReplicated === 0;
  const state = leaderless === map.shards.length ? 'unavailable' : whole ? 'healthy' : 'degraded';
  return {
    cluster_id: map.clusterId,
    node_id: self.nodeId,
    leader_id: meta?.nodeId ?? null,
    term: meta?.term ?? reportOf(picture, self.nodeId, META_GROUP)?.term ?? 0,
    state,
    nodes: { total: map.members.length, healthy },
    shards: { total: map.shards.length, leaderless, under_replicated: underReplicated, migrating: 0 },
    replica_count: target,
    vectors: sum(map.shards.map((shard) => vectorsOf(picture, shard))),
    metadata_version: map.version,
    version: self.version,
  };
}

export function nodesOf(picture: ClusterPicture): NodesInfo {
  const { map, heard } = picture;
  const leaders = map.shards.map(({ shard }) => leaderOf(picture, shard)?.nodeId);
  const metaLeader = leaderOf(picture, META_GROUP)?.nodeId;
  const nodes = map.members.map((member): NodeInfo => {
    const { nodeId } = member;
    const groups = heard.get(nodeId)?.status.groups ?? [];
    const isLearner = groups.some(({ group, role }) => group === META_GROUP && role === 'learner');
    return {
      node_id: nodeId,
      rest_address: member.restAddress,
      grpc_address: member.grpcAddress,
      raft_address: member.raftAddress,
      state: nodeStateOf(picture, member),
      role: nodeId === metaLeader ? 'leader' : isLearner ? 'learner' : 'follower',
      shards_led: leaders.filter((leader) => leader === nodeId).length,
      shards_held: map.shards.filter((shard) => holds(shard, nodeId)).length,
      vectors: sum(groups.map(({ vectors }) => vectors)),
      store_uuid: member.storeUuid,
      zone: member.zone === '' ? null : member.zone,
      version: heard.get(nodeId)?.status.version ?? null,
      disk: heard.get(nodeId)?.status.disk ?? null,
      damaged_replicas: groups
        .filter(({ isDamaged }) => isDamaged)
        .map(({ group }) => (group === META_GROUP ? 'meta' : group)),
      last_seen_ms: heard.has(nodeId) ? Math.round(silenceMs(picture, nodeId)) : null,
    };
  });
  return { nodes };
}

export function shardsOf(picture: ClusterPicture): ShardsInfo {
  return { shards: picture.map.shards.map((shard) => shardOf(picture, shard)) };
}

function shardOf(picture: ClusterPicture, shard: ShardPlacement): ShardInfo {
  const leader = leaderOf(picture, shard.shard);
  const replicas = shard.replicas.map((replica) => replicaOf(picture, { shard, replica, leader }));
  const complete =
    liveReplicas(picture, shard) >= picture.map.settings.replicaCount &&
    replicas.every(({ state }) => state === 'replicating');
  return {
    shard_id: shard.shard,
    state: leader === undefined ? 'unavailable' : complete ? 'healthy' : 'degraded',
    leader: leader?.nodeId ?? null,
    preferred_leader: shard.preferredLeader,
    vectors: vectorsOf(picture, shard),
    applied_index: Math.max(0, ...replicas.map((replica) => replica.applied_index ?? 0)),
    replicas,
  };
}

interface ReplicaContext {
  readonly shard: ShardPlacement;
  readonly replica: ReplicaPlacement;
  readonly leader: GroupLeader | undefined;
}

const STATE_NAMES = { replicate: 'replicating', probe: 'probing', snapshot: 'snapshot' } as const;

function replicaOf(picture: ClusterPicture, { shard, replica, leader }: ReplicaContext): ReplicaInfo {
  const own = reportOf(picture, replica.nodeId, shard.shard);
  const progress = leader?.report?.progress.find((candidate) => candidate.replica === replica.replicaId);
  const sent = progress === undefined ? 'unknown' : STATE_NAMES[progress.state];
  return {
    node_id: replica.nodeId,
    role: progress?.isLearner === true || own?.role === 'learner' ? 'learner' : 'voter',
    state: own === undefined ? 'unreachable' : leader?.nodeId === replica.nodeId ? 'replicating' : sent,
    match_index: progress?.match ?? null,
    applied_index: own?.applied ?? null,
    vectors: own?.vectors ?? null,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
