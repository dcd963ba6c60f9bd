export { type CollectionStats, Engine, type PointRef, type ScrollQuery, type Touched } from './engine.ts';
export type { RetryRef } from './retry-ledger.ts';
export { DIGEST_BYTES, type RetryRow } from './retry-row.ts';
export type { ScoredPoint, SearchQuery } from './node-search.ts';
export type { StoredPoint } from './stored-point.ts';
export type { EntryAddress, Turn } from './turn.ts';
export type { VectorIndexes } from './vector-index-port.ts';
export type { ShardExport } from './shard-export.ts';
export type { ShardImport } from './shard-import.ts';
