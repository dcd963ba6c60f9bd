import { ByteWriter } from '../../base/index.ts';
import {
  type Condition,
  type ExactNumber,
  type FieldTest,
  type Filter,
  type Instant,
  type MatchValue,
  parseInstant,
  type Range,
  tokensOf,
} from '../../model/index.ts';
import { type FieldSpec } from './field-spec.ts';
import { instantNumber, isInteger, plainNumber, textHash } from './field-type.ts';
import { boundsOf } from './geo-bounds.ts';
import { hashOf, OTHER, writeHash } from './packed-values.ts';

/**
 * An expression over indexed fields in prefix notation, as `server/native/src/search/fields/filter-program.cc` reads it:
 * `u8 operation`, then of `and` and `or` u32 operands and these, of the others u16 field and u64 hash, or f64 bounds.
 */
type Program = (writer: ByteWriter) => void;

const OP = { and: 1, or: 2, hash: 3, range: 4, box: 5 } as const;

/**
 * What the indexed fields say about a filter: an expression that lets at least every point pass that the filter does.
 * Undefined: nothing.
 */
export function filterProgram(filter: Filter, fields: readonly FieldSpec[]): Buffer | undefined {
  const program = ofFilter(filter, fields);
  if (program === undefined) return undefined;
  const writer = new ByteWriter(64);
  program(writer);
  return writer.finish();
}

function ofFilter({ must, should, minShould }: Filter, fields: readonly FieldSpec[]): Program | undefined {
  const parts = must.map((condition) => ofCondition(condition, fields));
  if (should.length > 0) parts.push(anyOf(should, fields));
  // At least one of them holds; what must not hold says nothing about where to look.
  if (minShould !== undefined) parts.push(anyOf(minShould.conditions, fields));
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? undefined : several('and', known);
}

function anyOf(conditions: readonly Condition[], fields: readonly FieldSpec[]): Program | undefined {
  const parts = conditions.map((condition) => ofCondition(condition, fields));
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? several('or', known) : undefined;
}

function ofCondition(condition: Condition, fields: readonly FieldSpec[]): Program | undefined {
  if (condition.kind === 'filter') return ofFilter(condition.filter, fields);
  if (condition.kind !== 'field') return undefined;
  for (const spec of fields.filter(({ path }) => path.text === condition.path.text)) {
    const program = ofTest(spec, condition.test);
    if (program !== undefined) return program;
  }
  return undefined;
}

function ofTest(spec: FieldSpec, test: FieldTest): Program | undefined {
  const { type } = spec;
  switch (test.kind) {
    case 'any':
      return several(
        'or',
        test.values.map((value) => ofValue(spec, value)),
      );
    case 'text':
      if (type === 'text') return words(spec, test.tokens);
      return keepsTexts(spec) ? undefined : other(spec);
    case 'range':
      return ofRange(spec, test.range);
    case 'instants':
      return ofInstants(spec, test.range);
    case 'radius':
    case 'box':
      return type === 'geo' ? box(spec, test.kind === 'box' ? test.box : boundsOf(test)) : undefined;
    case 'except':
    case 'count':
      return undefined;
  }
}

/** The index keeps texts as something that says nothing about their words, or about the time that they name. */
function keepsTexts({ type }: FieldSpec): boolean {
  return type === 'keyword' || type === 'text' || type === 'datetime';
}

function ofRange(spec: FieldSpec, { gt, gte = gt, lt, lte = lt }: Range<ExactNumber>): Program {
  const [low, high] = [plainNumber(gte ?? -Infinity), plainNumber(lte ?? Infinity)];
  if (spec.type === 'float') return range(spec, low, high);
  // What is no integer may lie between two of them.
  return spec.type === 'integer' ? several('or', [range(spec, low, high), other(spec)]) : other(spec);
}

function ofInstants(spec: FieldSpec, { gt, gte = gt, lt, lte = lt }: Range<Instant>): Program | undefined {
  if (spec.type !== 'datetime') return keepsTexts(spec) ? undefined : other(spec);
  const low = gte === undefined ? -Infinity : instantNumber(gte);
  return range(spec, low, lte === undefined ? Infinity : instantNumber(lte));
}

/** Where a value is that is equal to this one: among those of the type, or among the others. */
function ofValue(spec: FieldSpec, value: MatchValue): Program {
  switch (spec.type) {
    case 'keyword':
      return typeof value === 'string' ? hash(spec, textHash(value)) : other(spec);
    case 'bool':
      return typeof value === 'boolean' ? hash(spec, hashOf(String(value))) : other(spec);
    case 'integer':
    case 'float': {
      if (typeof value !== 'number' && typeof value !== 'bigint') return other(spec);
      if (spec.type === 'integer' && !isInteger(value)) return other(spec);
      return range(spec, plainNumber(value), plainNumber(value));
    }
    case 'datetime': {
      const instant = typeof value === 'string' ? parseInstant(value) : undefined;
      if (instant === undefined) return other(spec);
      return range(spec, instantNumber(instant), instantNumber(instant));
    }
    case 'text': {
      const tokens = typeof value === 'string' ? tokensOf(value) : [];
      return tokens.length === 0 ? other(spec) : words(spec, tokens);
    }
    case 'geo':
      return other(spec);
  }
}

function several(op: 'and' | 'or', parts: readonly Program[]): Program {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return (writer) => {
    writer.u8(OP[op]).u32(parts.length);
    for (const part of parts) part(writer);
  };
}

function words(spec: FieldSpec, tokens: readonly string[]): Program {
  return several(
    'and',
    tokens.map((token) => hash(spec, textHash(token))),
  );
}

function other(spec: FieldSpec): Program {
  return hash(spec, OTHER);
}

function hash({ number }: FieldSpec, of: bigint): Program {
  return (writer) => writeHash(writer.u8(OP.hash).u16(number), of);
}

function range({ number }: FieldSpec, low: number, high: number): Program {
  return (writer) => writer.u8(OP.range).u16(number).f64(low).f64(high);
}

interface Bounds {
  readonly south: number;
  readonly north: number;
  readonly west: number;
  readonly east: number;
}

function box({ number }: FieldSpec, { south, north, west, east }: Bounds): Program {
  return (writer) => writer.u8(OP.box).u16(number).f64(south).f64(north).f64(west).f64(east);
}
