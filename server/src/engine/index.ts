export {
  type CollectionStats,
  type CountQuery,
  Engine,
  type IndexReport,
  type PointRef,
  type ScrollQuery,
  type Touched,
} from './engine.ts';
export { type CompiledFilter, compiledFilter, type TimedFilter } from './filter/compiled-filter.ts';
export { matches } from './filter/matcher.ts';
export { SearchNotes, type SearchPlan } from './search-plan.ts';
export type { ScrollPage } from './scroll.ts';
export type { RetryCounts } from './retry-counts.ts';
export type { RetryRef } from './retry-ledger.ts';
export { DIGEST_BYTES, type RetryRow } from './retry-row.ts';
export type { ScoredPoint } from './scored-point.ts';
export type { SearchQuery } from './search-query.ts';
export type { StoredPoint } from './stored-point.ts';
export type { EntryAddress, Turn } from './turn.ts';
export type { VectorIndexes } from './vector-index-port.ts';
export type { ShardExport } from './shard-export.ts';
export type { ShardImport } from './shard-import.ts';
