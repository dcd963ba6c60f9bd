import { GrapeError } from '../base/index.ts';
import { decodeCursor } from './cursor.ts';
import { FieldReader, parseItems } from './fields.ts';
import { parseFilterText } from './filter-text.ts';
import { isExactInteger } from './json.ts';
import type { CountRequest, ParseContext, ScrollRequest, SearchRequest } from './requests.ts';
import { parseVector } from './vector.ts';

/** Most results of a search, most points of a page, and most `offset + limit`. */
const RESULTS_MAX = 10_000;

/** Most searches of one batch. */
const SEARCH_BATCH_MAX = 1_000;

/** Most results (`offset + limit`) that all searches of one batch ask for together. */
const SEARCH_BATCH_RESULTS_MAX = 100_000;

const RESULTS_DEFAULT = 10;
const LIMIT = { min: 1, max: RESULTS_MAX };
const OFFSET = { min: 0, max: RESULTS_MAX };
const TARGET_RECALL = { min: 0.5, max: 0.999 };
const EF = { min: 1, max: RESULTS_MAX };

const NOTHING: ReadonlySet<string> = new Set();
const SEARCH = {
  keys: new Set([
    ...['vector', 'limit', 'offset', 'score_threshold', 'with_payload', 'with_vector'],
    ...['ef', 'exact', 'filter', 'target_recall', 'consistency'],
  ]),
  laterKeys: NOTHING,
};
const BATCH = { keys: new Set(['searches']), laterKeys: NOTHING };
const SCROLL = {
  keys: new Set(['limit', 'cursor', 'with_vector', 'with_payload', 'filter', 'consistency']),
  laterKeys: NOTHING,
};
const COUNT = { keys: new Set(['filter', 'consistency']), laterKeys: NOTHING };

/** Throws a `GrapeError` that names the first bad field. */
export function parseSearch(body: unknown, context: ParseContext): SearchRequest {
  return parseOneSearch(body, '', context);
}

/** `{"searches": [..]}`; refused as a whole when one of them is bad. */
export function parseSearchBatch(body: unknown, context: ParseContext): SearchRequest[] {
  const items = parseItems(
    new FieldReader(body, '', BATCH).required('searches'),
    'searches',
    SEARCH_BATCH_MAX,
  );
  const searches = items.map((item, i) => parseOneSearch(item, `searches[${i}]`, context));
  const results = searches.reduce((sum, search) => sum + search.offset + search.limit, 0);
  if (results > SEARCH_BATCH_RESULTS_MAX) {
    const most = String(SEARCH_BATCH_RESULTS_MAX);
    throw new GrapeError(
      'INVALID_REQUEST',
      `all searches of a batch may ask for at most ${most} results together`,
    );
  }
  return searches;
}

/** An absent body is `{}`. Throws INVALID_CURSOR among others. */
export function parseScroll(body: unknown): ScrollRequest {
  const fields = new FieldReader(body === undefined ? {} : body, '', SCROLL);
  const cursor = fields.value('cursor');
  return {
    limit: fields.integer('limit', LIMIT, RESULTS_DEFAULT),
    cursor: cursor === undefined ? undefined : decodeCursor(cursor),
    filter: parseFilterText(fields),
    withVector: fields.boolean('with_vector', false),
    withPayload: fields.boolean('with_payload', true),
    consistency: fields.consistency(),
  };
}

/** An absent body is `{}`. */
export function parseCount(body: unknown): CountRequest {
  const fields = new FieldReader(body === undefined ? {} : body, '', COUNT);
  return { filter: parseFilterText(fields), consistency: fields.consistency() };
}

function parseOneSearch(body: unknown, path: string, context: ParseContext): SearchRequest {
  const fields = new FieldReader(body, path, SEARCH);
  const limit = fields.integer('limit', LIMIT, RESULTS_DEFAULT);
  const offset = fields.integer('offset', OFFSET, 0);
  if (offset + limit > RESULTS_MAX) {
    const sum = `${fields.path('offset')} + ${fields.path('limit')}`;
    throw new GrapeError('INVALID_REQUEST', `${sum} must be at most ${RESULTS_MAX}`);
  }
  return {
    vector: parseVector(fields.required('vector'), fields.path('vector'), context),
    limit,
    offset,
    filter: parseFilterText(fields),
    scoreThreshold: scoreThreshold(fields),
    withPayload: fields.boolean('with_payload', true),
    withVector: fields.boolean('with_vector', false),
    ef: fields.integer('ef', EF, undefined),
    ...targetRecall(fields),
    exact: fields.boolean('exact', false),
    consistency: fields.consistency(),
  };
}

function targetRecall(fields: FieldReader): { readonly targetRecall?: number } {
  const value = fields.value('target_recall');
  if (value === undefined) return {};
  const { min, max } = TARGET_RECALL;
  if (typeof value === 'number' && value >= min && value <= max) return { targetRecall: value };
  throw new GrapeError(
    'INVALID_REQUEST',
    `${fields.path('target_recall')} must be a number from ${min} to ${max}`,
  );
}

function scoreThreshold(fields: FieldReader): number | undefined {
  const value = fields.value('score_threshold');
  if (value === undefined) return undefined;
  const number = isExactInteger(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw new GrapeError('INVALID_REQUEST', `${fields.path('score_threshold')} must be a finite number`);
  }
  return number;
}
