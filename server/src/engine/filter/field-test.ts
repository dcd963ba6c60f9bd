import {
  compareInstants,
  type ExactNumber,
  exactNumber,
  type FieldTest,
  type Instant,
  matchKey,
  parseInstant,
  type Range,
  tokensOf,
} from '../../model/index.ts';
import { elementsOf } from './field-values.ts';
import { distanceMeters, geoPointOf, isInBox } from './geo.ts';

/** Whether the values of a field pass. */
export type ValuesTest = (values: readonly unknown[]) => boolean;

export function compileFieldTest(test: FieldTest): ValuesTest {
  if (test.kind === 'count') return countTest(test.range);
  const passes = elementTest(test);
  return (values) => elementsOf(values).some(passes);
}

/** Every array of the field has a number of elements of its own; a field that is not there has none. */
function countTest(range: Range<ExactNumber>): ValuesTest {
  const admits = (count: number): boolean => isWithin(count, range);
  return (values) => (values.length === 0 ? admits(0) : values.some((value) => admits(countOf(value))));
}

function countOf(value: unknown): number {
  if (value === null) return 0;
  return Array.isArray(value) ? value.length : 1;
}

function elementTest(test: Exclude<FieldTest, { kind: 'count' }>): (value: unknown) => boolean {
  switch (test.kind) {
    case 'any':
    case 'except': {
      const keys = new Set(test.values.map(matchKey));
      if (test.kind === 'any') return (value) => keys.has(matchKey(value) ?? '');
      return (value) => {
        const key = matchKey(value);
        return key !== undefined && !keys.has(key);
      };
    }
    case 'text':
      return (value) => typeof value === 'string' && hasTokens(value, test.tokens);
    case 'range':
      return (value) => {
        const number = exactNumber(value);
        return number !== undefined && isWithin(number, test.range);
      };
    case 'instants':
      return (value) => {
        const instant = typeof value === 'string' ? parseInstant(value) : undefined;
        return instant !== undefined && isBetween(instant, test.range);
      };
    case 'radius':
    case 'box':
      return (value) => {
        const point = geoPointOf(value);
        if (point === undefined) return false;
        return test.kind === 'box'
          ? isInBox(point, test.box)
          : distanceMeters(point, test.center) <= test.radiusMeters;
      };
  }
}

function hasTokens(text: string, tokens: readonly string[]): boolean {
  const present = new Set(tokensOf(text));
  return tokens.every((token) => present.has(token));
}

/** A number and a bigint compare by value. */
function isWithin(number: ExactNumber, { gt, gte, lt, lte }: Range<ExactNumber>): boolean {
  if (gt !== undefined && !(number > gt)) return false;
  if (gte !== undefined && !(number >= gte)) return false;
  if (lt !== undefined && !(number < lt)) return false;
  return lte === undefined || number <= lte;
}

function isBetween(instant: Instant, { gt, gte, lt, lte }: Range<Instant>): boolean {
  if (gt !== undefined && compareInstants(instant, gt) <= 0) return false;
  if (gte !== undefined && compareInstants(instant, gte) < 0) return false;
  if (lt !== undefined && compareInstants(instant, lt) >= 0) return false;
  return lte === undefined || compareInstants(instant, lte) <= 0;
}
