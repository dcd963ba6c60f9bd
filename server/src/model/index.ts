export {
  FIELD_TYPES,
  type FieldType,
  NO_PAYLOAD_INDEXES,
  PAYLOAD_INDEXES_MAX,
  type PayloadIndex,
  type CollectionSchema,
  type IndexedCollection,
  DEFAULT_COLLECTION_ID,
  DIMENSION_MAX,
  type Metric,
  METRICS,
} from './collection.ts';
export { type JoinRequest, parseJoin } from './cluster-requests.ts';
export { type CreateIndexRequest, parseCreateIndex } from './index-requests.ts';
export { decodeCursor, encodeCursor } from './cursor.ts';
export { parseConsistency } from './fields.ts';
export * from './filter/index.ts';
export { parseJson } from './json.ts';
export { parsePointId, parsePointIdFromPath, type PointId, pointIdJson, pointIdText } from './point-id.ts';
export { parseCount, parseScroll, parseSearch, parseSearchBatch } from './read-requests.ts';
export type {
  Consistency,
  CountRequest,
  DeleteRequest,
  ParseContext,
  DeleteByFilter,
  DeleteByIds,
  FilterText,
  PatchRequest,
  PointWrite,
  ScrollRequest,
  SearchRequest,
  UpsertRequest,
} from './requests.ts';
export { parseVector, vectorBytes } from './vector.ts';
export { parsePatch, patchedPayload } from './patch-request.ts';
export { parseDelete, parseDeleteCondition, parseUpsert } from './write-requests.ts';
