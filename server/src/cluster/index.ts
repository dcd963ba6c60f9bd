export type { IndexChange } from './index-changes.ts';
export { ClusterNode } from './cluster-node.ts';
export { type ClusterMap, type ClusterOptions, type ShardPlacement, StartRefusedError } from './types.ts';
export { giveUpStore, mayGiveUp } from './give-up.ts';
