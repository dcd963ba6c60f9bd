import { GrapeError } from '../base/index.ts';
import { FieldReader, parseItems } from './fields.ts';
import { parseFilterText } from './filter-text.ts';
import { parsePayload } from './payload.ts';
import { parsePointId, type PointId } from './point-id.ts';
import type { DeleteByIds, DeleteRequest, ParseContext, PointWrite, UpsertRequest } from './requests.ts';
import { parseVector, vectorBytes } from './vector.ts';

/** Most points of an upsert, and most ids of a delete. */
const BATCH_POINTS_MAX = 10_000;

export const IF_VERSION = 'if_version';
const NOTHING: ReadonlySet<string> = new Set();
const SINGLE = { keys: new Set(['id', 'vector', 'payload', IF_VERSION]), laterKeys: NOTHING };
const POINT = { keys: new Set(['id', 'vector', 'payload']), laterKeys: NOTHING };
const BATCH = { keys: new Set(['points']), laterKeys: NOTHING };
const DELETE = { keys: new Set(['ids', 'filter', IF_VERSION]), laterKeys: NOTHING };
const CONDITION = { keys: new Set([IF_VERSION]), laterKeys: NOTHING };
const VERSION = { min: 0, max: Number.MAX_SAFE_INTEGER };

/**
 * One point or `{"points": [..]}`. Without a known dimension the first vector fixes it for the request. Throws the
 * error of `GrapeError` that names the first bad field; nothing of such a request may be applied.
 */
export function parseUpsert(body: unknown, context: ParseContext): UpsertRequest {
  if (typeof body !== 'object' || body === null || !('points' in body)) {
    const fields = new FieldReader(body, '', SINGLE);
    return { single: true, points: [pointOf(fields, context)], ...parseIfVersion(fields) };
  }
  const items = parseItems(new FieldReader(body, '', BATCH).value('points'), 'points', BATCH_POINTS_MAX);
  return { single: false, points: lastOfEqualIds(parsePoints(items, context)) };
}

/** `{"ids": [..]}`, where equal ids count once, or `{"filter": {..}}`. */
export function parseDelete(body: unknown): DeleteRequest {
  const fields = new FieldReader(body, '', DELETE);
  const filter = parseFilterText(fields);
  if (filter === undefined) return parseDeleteByIds(fields);
  for (const key of ['ids', IF_VERSION]) {
    if (fields.value(key) !== undefined)
      throw new GrapeError('INVALID_REQUEST', `a delete by filter takes no ${key}`);
  }
  return { kind: 'filter', filter };
}

/** What a delete by path may say beside it. */
export function parseDeleteCondition(version: number | undefined): Pick<DeleteByIds, 'ifVersion'> {
  return version === undefined
    ? {}
    : parseIfVersion(new FieldReader({ [IF_VERSION]: version }, '', CONDITION));
}

/** `if_version` where it is given. */
export function parseIfVersion(fields: FieldReader): { readonly ifVersion?: number } {
  const ifVersion = fields.integer(IF_VERSION, VERSION, undefined);
  return ifVersion === undefined ? {} : { ifVersion };
}

function parseDeleteByIds(fields: FieldReader): DeleteRequest {
  const given = fields.value('ids');
  if (given === undefined) throw new GrapeError('INVALID_REQUEST', 'a delete needs ids or a filter');
  const items = parseItems(given, 'ids', BATCH_POINTS_MAX);
  const distinct = new Map<string, PointId>();
  items.forEach((item, i) => {
    const id = parsePointId(item, `ids[${i}]`);
    distinct.set(id.key.toString('latin1'), id);
  });
  const condition = parseIfVersion(fields);
  if (condition.ifVersion !== undefined && distinct.size > 1)
    throw new GrapeError('INVALID_REQUEST', `${IF_VERSION} is about one point, ids has ${distinct.size}`);
  return { kind: 'ids', ids: [...distinct.values()], ...condition };
}

function parsePoints(items: readonly unknown[], context: ParseContext): PointWrite[] {
  let inBatch = context;
  return items.map((item, i) => {
    const point = parsePoint(item, `points[${i}]`, inBatch);
    if (inBatch.dimension === undefined) inBatch = { ...context, dimension: point.vector.length / 4 };
    return point;
  });
}

/** A batch is atomic per shard only: one condition could stop a part of it. */
function parsePoint(value: unknown, path: string, context: ParseContext): PointWrite {
  if (typeof value === 'object' && value !== null && IF_VERSION in value)
    throw new GrapeError(
      'INVALID_REQUEST',
      `${path}.${IF_VERSION}: a point with a condition is a request of its own`,
    );
  return pointOf(new FieldReader(value, path, POINT), context);
}

function pointOf(fields: FieldReader, context: ParseContext): PointWrite {
  const id = parsePointId(fields.required('id'), fields.path('id'));
  const vector = parseVector(fields.required('vector'), fields.path('vector'), context);
  return {
    id,
    vector: vectorBytes(vector),
    payload: parsePayload(fields.value('payload'), fields.path('payload')),
  };
}

function lastOfEqualIds(points: readonly PointWrite[]): readonly PointWrite[] {
  const last = new Map<string, PointWrite>();
  for (const point of points) {
    const key = point.id.key.toString('latin1');
    // Deleted first, so that the order is that of the last mention.
    last.delete(key);
    last.set(key, point);
  }
  return last.size === points.length ? points : [...last.values()];
}
