import { GrapeError } from '../../base/index.ts';
import { FieldReader, type KnownKeys } from '../fields.ts';
import type { FieldTest } from './filter.ts';
import { parseBox, parseRadius } from './parse-geo.ts';
import { parseCounts, parseRange } from './parse-range.ts';
import { tokensOf } from './tokens.ts';
import { itemsOf, parseMatchValue } from './values.ts';

/** What may stand beside `key`. */
export const FIELD_TESTS = [
  'match',
  'range',
  'geo_radius',
  'geo_bounding_box',
  'values_count',
  'is_empty',
  'is_null',
] as const;

/** Values of one `any` or `except`. */
const MATCH_VALUES_MAX = 10_000;
const MATCH_KINDS = ['value', 'any', 'except', 'text'] as const;
const MATCH: KnownKeys = { keys: new Set(MATCH_KINDS), laterKeys: new Set() };

/** Throws as `parseFilter`. */
export function parseFieldTest(
  kind: Exclude<(typeof FIELD_TESTS)[number], 'is_empty' | 'is_null'>,
  value: unknown,
  path: string,
): FieldTest {
  switch (kind) {
    case 'match':
      return parseMatch(value, path);
    case 'range':
      return parseRange(value, path);
    case 'geo_radius':
      return parseRadius(value, path);
    case 'geo_bounding_box':
      return parseBox(value, path);
    case 'values_count':
      return parseCounts(value, path);
  }
}

function parseMatch(value: unknown, path: string): FieldTest {
  const fields = new FieldReader(value, path, MATCH);
  const given = MATCH_KINDS.filter((key) => fields.value(key) !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1)
    throw new GrapeError('INVALID_FILTER', `${path} needs exactly one of ${MATCH_KINDS.join(', ')}`);
  const at = fields.path(kind);
  const wanted = fields.value(kind);
  if (kind === 'value') return { kind: 'any', values: [parseMatchValue(wanted, at)] };
  if (kind === 'text') return { kind: 'text', tokens: parseTokens(wanted, at) };
  const values = itemsOf(wanted, at, MATCH_VALUES_MAX);
  return { kind, values: values.map((item, i) => parseMatchValue(item, `${at}[${i}]`)) };
}

function parseTokens(value: unknown, path: string): string[] {
  if (typeof value !== 'string') throw new GrapeError('INVALID_FILTER', `${path} must be a string`);
  const tokens = [...new Set(tokensOf(value))];
  if (tokens.length === 0)
    throw new GrapeError('INVALID_FILTER', `${path} has no word: it needs a letter or a digit`);
  return tokens;
}
