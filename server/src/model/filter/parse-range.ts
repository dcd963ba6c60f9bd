import { GrapeError } from '../../base/index.ts';
import { FieldReader, type KnownKeys } from '../fields.ts';
import type { FieldTest, Range } from './filter.ts';
import { compareInstants, type Instant, parseInstant } from './instant.ts';
import { parseExactNumber } from './values.ts';

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const;
const RANGE: KnownKeys = { keys: new Set(BOUNDS), laterKeys: new Set() };

/** Of numbers, or of instants when the bounds are strings. */
export function parseRange(value: unknown, path: string): FieldTest {
  const fields = new FieldReader(value, path, RANGE);
  if (BOUNDS.some((bound) => typeof fields.value(bound) === 'string'))
    return { kind: 'instants', range: rangeOf(fields, path, instantOf, compareInstants) };
  return { kind: 'range', range: rangeOf(fields, path, parseExactNumber, compareNumbers) };
}

/** Of numbers of elements. */
export function parseCounts(value: unknown, path: string): FieldTest {
  const fields = new FieldReader(value, path, RANGE);
  const countOf = (bound: unknown, at: string): number => {
    if (typeof bound === 'number' && Number.isInteger(bound) && bound >= 0) return bound;
    throw new GrapeError('INVALID_FILTER', `${at} must be an integer from 0`);
  };
  return { kind: 'count', range: rangeOf(fields, path, countOf, compareNumbers) };
}

/** Numbers and bigints compare by value, whatever their size. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

function instantOf(value: unknown, path: string): Instant {
  const instant = typeof value === 'string' ? parseInstant(value) : undefined;
  if (instant === undefined)
    throw new GrapeError('INVALID_FILTER', `${path} must be a date and time as 2024-05-31T08:00:00Z`);
  return instant;
}

function rangeOf<T>(
  fields: FieldReader,
  path: string,
  parse: (value: unknown, path: string) => T,
  compare: (a: T, b: T) => number,
): Range<T> {
  const given = BOUNDS.filter((bound) => fields.value(bound) !== undefined);
  if (given.length === 0) throw new GrapeError('INVALID_FILTER', `${path} needs ${BOUNDS.join(', ')}`);
  const range: { gt?: T; gte?: T; lt?: T; lte?: T } = {};
  for (const bound of given) range[bound] = parse(fields.value(bound), fields.path(bound));
  for (const [strict, loose] of [
    ['gt', 'gte'],
    ['lt', 'lte'],
  ] as const) {
    if (range[strict] !== undefined && range[loose] !== undefined)
      throw new GrapeError('INVALID_FILTER', `${path} has both ${strict} and ${loose}`);
  }
  const [lower, upper] = [range.gt ?? range.gte, range.lt ?? range.lte];
  if (lower !== undefined && upper !== undefined && compare(lower, upper) > 0)
    throw new GrapeError('INVALID_FILTER', `${path} has a lower bound above its upper one`);
  return range;
}
