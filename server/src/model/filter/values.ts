import { GrapeError } from '../../base/index.ts';
import { isExactInteger } from '../json.ts';
import type { ExactNumber, MatchValue } from './filter.ts';

/** An array with 1 to `max` items. Throws INVALID_FILTER. */
export function itemsOf(value: unknown, path: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new GrapeError('INVALID_FILTER', `${path} must be an array with 1 to ${max} items`);
  if (value.length > max)
    throw new GrapeError('INVALID_FILTER', `${path} has ${value.length} items, at most ${max} are allowed`);
  return value as readonly unknown[];
}

/** A number of a parsed JSON text; undefined when it is something else. */
export function exactNumber(value: unknown): ExactNumber | undefined {
  if (typeof value === 'number') return value;
  return isExactInteger(value) ? BigInt(value.rawJSON) : undefined;
}

/** Throws INVALID_FILTER. */
export function parseExactNumber(value: unknown, path: string): ExactNumber {
  const number = exactNumber(value);
  if (number === undefined || (typeof number === 'number' && !Number.isFinite(number)))
    throw new GrapeError('INVALID_FILTER', `${path} must be a finite number`);
  return number;
}

/** A string, an integer or a boolean. Throws INVALID_FILTER. */
export function parseMatchValue(value: unknown, path: string): MatchValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  const number = exactNumber(value);
  if (typeof number === 'bigint' || Number.isInteger(number)) return number as ExactNumber;
  const advice = number === undefined ? '' : '; for other numbers use range';
  throw new GrapeError('INVALID_FILTER', `${path} must be a string, an integer or a boolean${advice}`);
}

/** Equal texts for equal values: 5, 5.0 and 5n are one. Undefined for what `match` does not compare. */
export function matchKey(value: unknown): string | undefined {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  const number = typeof value === 'bigint' ? value : exactNumber(value);
  if (typeof number === 'bigint') return String(number);
  if (number === undefined || !Number.isInteger(number)) return undefined;
  return String(Number.isSafeInteger(number) ? number : BigInt(number));
}
