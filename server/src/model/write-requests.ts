import { FieldReader, parseItems } from './fields.ts';
import { parsePayload } from './payload.ts';
import { parsePointId, type PointId } from './point-id.ts';
import type { DeleteRequest, ParseContext, PointWrite, UpsertRequest } from './requests.ts';
import { parseVector, vectorBytes } from './vector.ts';

/** Most points of an upsert, and most ids of a delete. */
const BATCH_POINTS_MAX = 10_000;

const POINT = { keys: new Set(['id', 'vector', 'payload']), laterKeys: new Set(['if_version']) };
const BATCH = { keys: new Set(['points']), laterKeys: new Set(['if_version']) };
const DELETE = { keys: new Set(['ids']), laterKeys: new Set(['filter', 'if_version']) };

/**
 * One point or `{"points": [..]}`. Without a known dimension the first vector fixes it for the request. Throws the
 * error of `GrapeError` that names the first bad field; nothing of such a request may be applied.
 */
export function parseUpsert(body: unknown, context: ParseContext): UpsertRequest {
  if (typeof body !== 'object' || body === null || !('points' in body)) {
    return { single: true, points: [parsePoint(body, '', context)] };
  }
  const items = parseItems(new FieldReader(body, '', BATCH).value('points'), 'points', BATCH_POINTS_MAX);
  return { single: false, points: lastOfEqualIds(parsePoints(items, context)) };
}

/** `{"ids": [..]}`; equal ids count once. */
export function parseDelete(body: unknown): DeleteRequest {
  const items = parseItems(new FieldReader(body, '', DELETE).required('ids'), 'ids', BATCH_POINTS_MAX);
  const distinct = new Map<string, PointId>();
  items.forEach((item, i) => {
    const id = parsePointId(item, `ids[${i}]`);
    distinct.set(id.key.toString('latin1'), id);
  });
  return { ids: [...distinct.values()] };
}

function parsePoints(items: readonly unknown[], context: ParseContext): PointWrite[] {
  let inBatch = context;
  return items.map((item, i) => {
    const point = parsePoint(item, `points[${i}]`, inBatch);
    if (inBatch.dimension === undefined) inBatch = { ...context, dimension: point.vector.length / 4 };
    return point;
  });
}

function parsePoint(value: unknown, path: string, context: ParseContext): PointWrite {
  const fields = new FieldReader(value, path, POINT);
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
