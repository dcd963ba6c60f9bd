export {
  type CollectionStats,
  Engine,
  type EngineOptions,
  type PointRef,
  type ScrollQuery,
} from './engine.ts';
export { nativeIndexes } from './native-indexes.ts';
export type { ScoredPoint, SearchQuery } from './node-search.ts';
export type { CollectionState, ShardState } from './shard-state.ts';
export { type StoredPoint } from './stored-point.ts';
export type { EntryAddress, Turn } from './turn.ts';
export type {
  IndexBatch,
  IndexHit,
  IndexOptions,
  IndexQuery,
  IndexStats,
  SlotAddress,
  VectorIndex,
  VectorIndexes,
} from './vector-index-port.ts';
