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
