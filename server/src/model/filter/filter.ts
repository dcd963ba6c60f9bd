import type { FieldPath } from './field-path.ts';
import type { Instant } from './instant.ts';

/** A double, or an integer that no double holds. */
export type ExactNumber = number | bigint;

/** A validated filter: every `must`, none of `mustNot`, one of `should` if there are any, enough of `minShould`. */
export interface Filter {
  readonly must: readonly Condition[];
  readonly should: readonly Condition[];
  readonly mustNot: readonly Condition[];
  readonly minShould: { readonly conditions: readonly Condition[]; readonly minCount: number } | undefined;
}

/**
 * A field condition holds when the test holds for the value of the field, or for one element of it when that is an array;
 * with `[]` in the path a field has many values. A field that is not there passes no test but `isEmpty` and a `valuesCount`
 * that admits 0.
 */
export type Condition =
  | { readonly kind: 'filter'; readonly filter: Filter }
  | { readonly kind: 'hasId'; readonly keys: readonly Buffer[] }
  /** One and the same object of the array at `path` passes the whole filter. */
  | { readonly kind: 'nested'; readonly path: FieldPath; readonly filter: Filter }
  /** Absent, null, or an array without elements. */
  | { readonly kind: 'isEmpty'; readonly path: FieldPath }
  /** Null, or an array with a null in it. */
  | { readonly kind: 'isNull'; readonly path: FieldPath }
  | { readonly kind: 'field'; readonly path: FieldPath; readonly test: FieldTest };

export type FieldTest =
  /** Equal to one of them; numbers by value, 5 and 5.0 are equal. */
  | { readonly kind: 'any'; readonly values: readonly MatchValue[] }
  /** A string, an integer or a boolean that equals none of them. */
  | { readonly kind: 'except'; readonly values: readonly MatchValue[] }
  /** A string with all these tokens (`tokensOf`); at least one. */
  | { readonly kind: 'text'; readonly tokens: readonly string[] }
  | { readonly kind: 'range'; readonly range: Range<ExactNumber> }
  /** Strings that are instants. */
  | { readonly kind: 'instants'; readonly range: Range<Instant> }
  /** `{"lon", "lat"}` objects at most so far from the centre, on a sphere. */
  | { readonly kind: 'radius'; readonly center: GeoPoint; readonly radiusMeters: number }
  /** West may be greater than east: the box crosses the antimeridian. */
  | { readonly kind: 'box'; readonly box: GeoBox }
  /** Elements of an array; of anything else 1, of null and of what is not there 0. */
  | { readonly kind: 'count'; readonly range: Range<ExactNumber> };

export type MatchValue = string | boolean | ExactNumber;

/** At least one bound; the lower one is not above the upper one. */
export interface Range<T> {
  readonly gt?: T;
  readonly gte?: T;
  readonly lt?: T;
  readonly lte?: T;
}

/** Degrees: longitude -180..180, latitude -90..90. */
export interface GeoPoint {
  readonly lon: number;
  readonly lat: number;
}

export interface GeoBox {
  readonly north: number;
  readonly south: number;
  readonly west: number;
  readonly east: number;
}
