import { GrapeError } from '../../base/index.ts';
import { FieldReader, type KnownKeys } from '../fields.ts';
import { parsePointId } from '../point-id.ts';
import { parseFieldPath } from './field-path.ts';
import type { Condition, Filter } from './filter.ts';
import { FIELD_TESTS, parseFieldTest } from './parse-field-test.ts';
import { itemsOf } from './values.ts';

/** Deepest nesting of filters; the filter of the request is level 1. */
const FILTER_DEPTH_MAX = 32;
/** Conditions of one filter, with those of the filters in it. */
const FILTER_CONDITIONS_MAX = 1_024;
/** Ids of one `has_id`. */
const FILTER_IDS_MAX = 10_000;

const NONE: ReadonlySet<string> = new Set();
const known = (...keys: string[]): KnownKeys => ({ keys: new Set(keys), laterKeys: NONE });

const CLAUSES = ['must', 'should', 'must_not', 'min_should'] as const;
const FILTER = known(...CLAUSES);
const MIN_SHOULD = known('conditions', 'min_count');
const FIELD = known('key', ...FIELD_TESTS);
const KEYED = known('key');
const NESTED = known('key', 'filter');
const WHOLE = ['has_id', 'nested', 'is_empty', 'is_null'] as const;

interface Position {
  readonly path: string;
  readonly depth: number;
  /** Below a `nested`: conditions on the point itself make no sense there. */
  readonly isNested: boolean;
}

/**
 * A filter in Qdrant's language. Throws INVALID_FILTER, or what `FieldReader` and ids throw; each message names the place,
 * as `filter.must[2].range.gte`.
 */
export function parseFilter(value: unknown, path = 'filter'): Filter {
  return new FilterParser().filter(value, { path, depth: 1, isNested: false });
}

class FilterParser {
  #conditions = 0;

  filter(value: unknown, at: Position): Filter {
    if (at.depth > FILTER_DEPTH_MAX)
      throw new GrapeError('INVALID_FILTER', `${at.path} nests deeper than ${FILTER_DEPTH_MAX} filters`);
    const fields = new FieldReader(value, at.path, FILTER);
    const clause = (key: string): Condition[] =>
      this.#conditionsOf(fields.value(key), { ...at, path: fields.path(key) });
    return {
      must: clause('must'),
      should: clause('should'),
      mustNot: clause('must_not'),
      minShould: this.#minShould(fields.value('min_should'), { ...at, path: fields.path('min_should') }),
    };
  }

  #minShould(value: unknown, at: Position): Filter['minShould'] {
    if (value === undefined) return undefined;
    const fields = new FieldReader(value, at.path, MIN_SHOULD);
    const list = fields.required('conditions');
    const conditions = this.#conditionsOf(list, { ...at, path: fields.path('conditions') });
    fields.required('min_count');
    return { conditions, minCount: fields.integer('min_count', { min: 1, max: FILTER_CONDITIONS_MAX }, 1) };
  }

  /** One condition, or an array of any number of them. */
  #conditionsOf(value: unknown, at: Position): Condition[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) return [this.#condition(value, at)];
    return value.map((item, i) => this.#condition(item, { ...at, path: `${at.path}[${i}]` }));
  }

  #condition(value: unknown, at: Position): Condition {
    this.#conditions += 1;
    if (this.#conditions > FILTER_CONDITIONS_MAX) {
      throw new GrapeError(
        'INVALID_FILTER',
        `${at.path} is one condition too many: at most ${FILTER_CONDITIONS_MAX}`,
      );
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new GrapeError('INVALID_FILTER', `${at.path} must be a condition (a JSON object)`);
    if ('key' in value) return fieldCondition(value, at.path);
    const whole = WHOLE.find((key) => key in value);
    if (whole !== undefined) return this.#whole(whole, value, at);
    if (CLAUSES.some((key) => key in value))
      return { kind: 'filter', filter: this.filter(value, { ...at, depth: at.depth + 1 }) };
    throw new GrapeError(
      'INVALID_FILTER',
      `${at.path} is no condition: it needs one of key, ${[...WHOLE, ...CLAUSES].join(', ')}`,
    );
  }

  #whole(kind: (typeof WHOLE)[number], value: object, at: Position): Condition {
    const fields = new FieldReader(value, at.path, known(kind));
    const path = fields.path(kind);
    const inner = fields.required(kind);
    if (kind === 'is_empty' || kind === 'is_null') {
      const keyed = new FieldReader(inner, path, KEYED);
      const field = parseFieldPath(keyed.required('key'), keyed.path('key'));
      return { kind: kind === 'is_empty' ? 'isEmpty' : 'isNull', path: field };
    }
    if (kind === 'nested') return this.#nested(inner, { ...at, path });
    if (at.isNested)
      throw new GrapeError('INVALID_FILTER', `${path} is of the point and cannot be inside of nested`);
    const items = itemsOf(inner, path, FILTER_IDS_MAX);
    return { kind: 'hasId', keys: items.map((item, i) => parsePointId(item, `${path}[${i}]`).key) };
  }

  #nested(value: unknown, at: Position): Condition {
    const fields = new FieldReader(value, at.path, NESTED);
    const path = parseFieldPath(fields.required('key'), fields.path('key'));
    const inside = { path: fields.path('filter'), depth: at.depth + 1, isNested: true };
    return { kind: 'nested', path, filter: this.filter(fields.required('filter'), inside) };
  }
}

/** `{"key": "..", <one test>}`. */
function fieldCondition(value: object, at: string): Condition {
  const fields = new FieldReader(value, at, FIELD);
  const path = parseFieldPath(fields.value('key'), fields.path('key'));
  const given = FIELD_TESTS.filter((key) => fields.value(key) !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    const wanted = kind === undefined ? 'one of' : 'only one of';
    throw new GrapeError('INVALID_FILTER', `${at} needs ${wanted} ${FIELD_TESTS.join(', ')} beside key`);
  }
  if (kind !== 'is_empty' && kind !== 'is_null')
    return { kind: 'field', path, test: parseFieldTest(kind, fields.value(kind), fields.path(kind)) };
  const condition: Condition = { kind: kind === 'is_empty' ? 'isEmpty' : 'isNull', path };
  if (fields.boolean(kind, true)) return condition;
  const none = { must: [], should: [], minShould: undefined };
  return { kind: 'filter', filter: { ...none, mustNot: [condition] } };
}
