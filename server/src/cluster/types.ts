import type { CollectionSchema, Metric } from '../model/index.ts';

/** Where a node is reached; every address is `host:port`. */
export interface NodeAddresses {
  readonly raft: string;
  readonly grpc: string;
  readonly rest: string;
}

/** A node of the cluster. It is this member only together with this store: a wiped disk is somebody else. */
export interface Member {
  readonly nodeId: string;
  readonly storeUuid: string;
  readonly grpcAddress: string;
  readonly restAddress: string;
  readonly raftAddress: string;
  /** Empty when none was configured. */
  readonly zone: string;
}

export interface ReplicaPlacement {
  /** Unique within its group for ever; a replaced replica gets a new one. */
  readonly replicaId: number;
  readonly nodeId: string;
}

/** Who shall belong to a group; its configuration is brought there step by step. */
export interface GroupPlacement {
  /** Ascending by replica id, on distinct nodes. */
  readonly replicas: readonly ReplicaPlacement[];
  /** Replaced ones that the configuration may still name; ascending by replica id. */
  readonly leaving: readonly ReplicaPlacement[];
  /** The replicas that the group began with: nobody else may begin a log with a configuration of its own. */
  readonly founders: readonly number[];
  /** Above every replica id that the group ever had. */
  readonly nextReplicaId: number;
}

export interface ShardPlacement extends GroupPlacement {
  readonly shard: number;
  readonly preferredLeader: string;
}

export interface MetaPlacement extends GroupPlacement {
  /** Replicas without a vote. */
  readonly learners: readonly number[];
}

/** What belongs to the cluster and not to a node's file: latched when the cluster forms. */
export interface ClusterSettings {
  readonly shardCount: number;
  /** A target: a shard has min(replicaCount, members) replicas. */
  readonly replicaCount: number;
  /** Undefined only in a cluster that formed with one node: the first write decides. */
  readonly dimension: number | undefined;
  readonly metric: Metric;
  readonly binaryQuantization: boolean;
  readonly m: number;
}

/** The replicated view of the cluster; equal on every node at an equal `version`. Frozen: a change makes a new one. */
export interface ClusterMap {
  readonly clusterId: string;
  /** Index of the last `meta` log entry that changed the map. */
  readonly version: number;
  readonly settings: ClusterSettings;
  /** Ascending by node id. */
  readonly members: readonly Member[];
  readonly meta: MetaPlacement;
  /** `shards[s].shard === s`. */
  readonly shards: readonly ShardPlacement[];
  /** Ascending by id. */
  readonly collections: readonly CollectionSchema[];
}

/** A node named in a configuration: `node-id@host:port`. */
export interface PeerAddress {
  readonly nodeId: string;
  readonly host: string;
  readonly port: number;
}

/** What the configuration says about this node's part in the cluster. */
export interface ClusterOptions {
  readonly nodeId: string;
  readonly addresses: NodeAddresses;
  readonly zone: string;
  /** With `joinCluster`, or when this node is not among them, only seeds. */
  readonly initialPeers: readonly PeerAddress[];
  readonly joinCluster: boolean;
  readonly seedNodes: readonly PeerAddress[];
  /** When set, a blank directory never forms a cluster and a directory of another cluster is refused. */
  readonly clusterId: string | undefined;
  /** A store that the cluster does not know any more as this node's asks to be admitted in place of the one before. */
  readonly autoRejoin: boolean;
  readonly settings: ClusterSettings;
  /** TOML paths that were set and not defaulted (`sharding.shard_count`): only those are compared with the cluster's. */
  readonly explicit: ReadonlySet<string>;
  /** Version of this build, shown to the others. */
  readonly version: string;
}

/** The node must not start (or not go on): the message names what is wrong and what to do. */
export class StartRefusedError extends Error {
  override readonly name = 'StartRefusedError';
}

/** Ascending by node id, by bytes of the text: the order of founders, replicas and preferred leaders. */
export function byNodeId(a: { readonly nodeId: string }, b: { readonly nodeId: string }): number {
  if (a.nodeId === b.nodeId) return 0;
  return a.nodeId < b.nodeId ? -1 : 1;
}
