export { type CollectionStats, Engine, type PointRef, type ScrollQuery } from './engine.ts';
export type { ScoredPoint, SearchQuery } from './node-search.ts';
export type { StoredPoint } from './stored-point.ts';
export type { Turn } from './turn.ts';
export type { VectorIndexes } from './vector-index-port.ts';
