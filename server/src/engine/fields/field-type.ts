import {
  type ExactNumber,
  exactNumber,
  type Instant,
  parseInstant,
  tokensOf,
  type FieldType,
} from '../../model/index.ts';
import { geoPointOf } from '../filter/geo.ts';
import { hashOf, type PackedValues } from './packed-values.ts';

/** Of whole texts and of words: one index never holds both. */
export function textHash(text: string): bigint {
  return hashOf(text);
}

/** A time as a number, in the order of time as far as a double tells. */
export function instantNumber({ seconds, nanos }: Instant): number {
  return seconds + nanos / 1e9;
}

/** In the order of numbers; integers beyond 2^53 may become equal. */
export function plainNumber(number: ExactNumber): number {
  return Number(number);
}

/**
 * Adds what an index of this type keeps of one value. A value of another type, such as a text in a field of numbers, is kept
 * as `OTHER`, so that the index never hides what a filter could ask for.
 */
export function addValue(type: FieldType, value: unknown, to: PackedValues): void {
  if (value !== null && !addFitting(type, value, to)) to.addMisfit();
}

function addFitting(type: FieldType, value: unknown, to: PackedValues): boolean {
  switch (type) {
    case 'keyword':
      if (typeof value !== 'string') return false;
      to.addHash(textHash(value));
      return true;
    case 'bool':
      if (typeof value !== 'boolean') return false;
      to.addHash(hashOf(String(value)));
      return true;
    case 'integer':
    case 'float': {
      const number = exactNumber(value);
      if (number === undefined || (type === 'integer' && !isInteger(number))) return false;
      to.addNumber(plainNumber(number));
      return true;
    }
    case 'datetime': {
      const instant = typeof value === 'string' ? parseInstant(value) : undefined;
      if (instant === undefined) return false;
      to.addNumber(instantNumber(instant));
      return true;
    }
    case 'geo': {
      const point = geoPointOf(value);
      if (point === undefined) return false;
      to.addPlace(point);
      return true;
    }
    case 'text': {
      const tokens = typeof value === 'string' ? tokensOf(value) : [];
      for (const token of new Set(tokens)) to.addHash(textHash(token));
      return tokens.length > 0;
    }
  }
}

export function isInteger(number: ExactNumber): boolean {
  return typeof number === 'bigint' || Number.isInteger(number);
}
