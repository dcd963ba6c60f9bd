export type {
  Condition,
  ExactNumber,
  FieldTest,
  Filter,
  GeoBox,
  GeoPoint,
  MatchValue,
  Range,
} from './filter.ts';
export { type FieldPath, parseFieldPath, type Step } from './field-path.ts';
export { compareInstants, type Instant, parseInstant } from './instant.ts';
export { parseFilter } from './parse-filter.ts';
export { tokensOf } from './tokens.ts';
export { exactNumber, matchKey } from './values.ts';
