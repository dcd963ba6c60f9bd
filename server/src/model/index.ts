export {
  type CollectionSchema,
  DEFAULT_COLLECTION_ID,
  DIMENSION_MAX,
  type Metric,
  METRICS,
} from './collection.ts';
export { decodeCursor, encodeCursor } from './cursor.ts';
export { parseConsistency } from './fields.ts';
export { type ExactInteger, isExactInteger, JSON_DEPTH_MAX, parseJson } from './json.ts';
export { parsePayload, PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX } from './payload.ts';
export {
  ID_BYTES_MAX,
  isPointKey,
  parsePointId,
  parsePointIdFromPath,
  type PointId,
  pointIdJson,
  pointIdText,
} from './point-id.ts';
export {
  parseCount,
  parseScroll,
  parseSearch,
  parseSearchBatch,
  RESULTS_MAX,
  SEARCH_BATCH_MAX,
  SEARCH_BATCH_RESULTS_MAX,
} from './read-requests.ts';
export type {
  Consistency,
  CountRequest,
  DeleteRequest,
  ParseContext,
  PointWrite,
  ScrollRequest,
  SearchRequest,
  UpsertRequest,
} from './requests.ts';
export { parseVector, vectorBytes } from './vector.ts';
export { BATCH_POINTS_MAX, parseDelete, parseUpsert } from './write-requests.ts';
