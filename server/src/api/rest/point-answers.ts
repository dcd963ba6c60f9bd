import { encodeCursor, type PointId, pointIdJson } from '../../model/index.ts';
import type { Read, ScrollResult, SearchHit, StoredPoint, UpsertResult } from '../../service/index.ts';
import { vectorText } from './float-text.ts';

/** Answers are put together as text: stored payloads already are JSON and are never parsed again. */

export function upsertAnswer(single: PointId | undefined, result: UpsertResult): string {
  if (single === undefined) {
    const versions = JSON.stringify(result.versions);
    return `{"status":"ok","upserted":${result.upserted},"versions":${versions}}`;
  }
  const [entry] = result.versions;
  const place = entry === undefined ? '' : `,"shard":${entry.shard},"version":${entry.version}`;
  return `{"id":${pointIdJson(single.key, single.isInteger)},"status":"ok"${place}}`;
}

export function pointAnswer(point: StoredPoint, withVector: boolean): string {
  const vector = withVector ? `,"vector":${vectorText(point.vector)}` : '';
  const { version, shard } = point;
  return `{"id":${idOf(point)}${vector},"payload":${utf8(point.payload)},"version":${version},"shard":${shard}}`;
}

export function deleteAnswer(id: PointId, deleted: boolean): string {
  return `{"id":${pointIdJson(id.key, id.isInteger)},"status":"ok","deleted":${deleted}}`;
}

export function deleteManyAnswer(deleted: number): string {
  return `{"status":"ok","deleted":${deleted}}`;
}

export function searchAnswer(hits: readonly SearchHit[], tookMs: number): string {
  return `{"results":${hitsText(hits)},"took_ms":${tookText(tookMs)}}`;
}

export function searchBatchAnswer(results: readonly (readonly SearchHit[])[], tookMs: number): string {
  return `{"results":[${results.map(hitsText).join(',')}],"took_ms":${tookText(tookMs)}}`;
}

export function scrollAnswer(
  page: ScrollResult,
  shown: { readonly withVector: boolean; readonly withPayload: boolean },
): string {
  const points = page.points.map((point) => {
    const vector = shown.withVector ? `,"vector":${vectorText(point.vector)}` : '';
    const payload = shown.withPayload ? `,"payload":${utf8(point.payload)}` : '';
    return `{"id":${idOf(point)}${vector}${payload},"version":${point.version}}`;
  });
  const cursor = page.next === undefined ? 'null' : `"${encodeCursor(page.next)}"`;
  return `{"points":[${points.join(',')}],"next_cursor":${cursor}}`;
}

export function countAnswer(count: number): string {
  return `{"count":${count}}`;
}

/** The header of eventual reads. */
export function stalenessHeader(read: Read<unknown>): Record<string, string> {
  return { 'x-grape-staleness-ms': String(Math.max(0, Math.round(read.stalenessMs))) };
}

function hitsText(hits: readonly SearchHit[]): string {
  let text = '[';
  for (const hit of hits) {
    if (text.length > 1) text += ',';
    text += `{"id":${idOf(hit)},"score":${String(hit.score)}`;
    if (hit.payload !== undefined) text += `,"payload":${utf8(hit.payload)}`;
    if (hit.vector !== undefined) text += `,"vector":${vectorText(hit.vector)}`;
    text += '}';
  }
  return `${text}]`;
}

function idOf(point: { readonly idKey: Buffer; readonly isInteger: boolean }): string {
  return pointIdJson(point.idKey, point.isInteger);
}

function utf8(json: Buffer): string {
  return json.toString('utf8');
}

function tookText(tookMs: number): string {
  return tookMs.toFixed(2);
}
