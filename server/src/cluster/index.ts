export type { ClusterInfo, NodesInfo, ShardsInfo } from './cluster-json.ts';
export { type ClusterConnections, type ClusterDeps, ClusterNode } from './cluster-node.ts';
export type { Health } from './health.ts';
export { placeShards, preferredLeader } from './placement.ts';
export {
  type ClusterMap,
  type ClusterOptions,
  type ClusterSettings,
  type Member,
  type NodeAddresses,
  type PeerAddress,
  type ReplicaPlacement,
  type ShardPlacement,
  StartRefusedError,
} from './types.ts';
