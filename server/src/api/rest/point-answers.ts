import { Breather } from '../../base/index.ts';
import { encodeCursor, type PointId, pointIdJson } from '../../model/index.ts';
import type {
  NodePlan,
  Patched,
  Read,
  ScrollResult,
  SearchHit,
  StoredPoint,
  UpsertResult,
} from '../../service/index.ts';
import { vectorText } from './float-text.ts';

/** Answers are put together as text: stored payloads already are JSON and are never parsed again. */

/** Characters of vectors that are written before others get their turn: about two milliseconds. */
const UNITS_MAX = 40_000;
/** What a result costs beside its vector and payload. */
const HIT_UNITS = 20;

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

export function patchAnswer(id: PointId, { shard, version }: Patched): string {
  return `{"id":${pointIdJson(id.key, id.isInteger)},"status":"ok","shard":${shard},"version":${version}}`;
}

export function deleteManyAnswer(deleted: number): string {
  return `{"status":"ok","deleted":${deleted}}`;
}

export async function searchAnswer(
  hits: readonly SearchHit[],
  { plans, tookMs }: { readonly plans?: readonly NodePlan[] | undefined; readonly tookMs: () => number },
): Promise<string> {
  const results = await hitsText(hits, new Breather(UNITS_MAX));
  const explain = plans === undefined ? '' : `,"explain":{"nodes":${JSON.stringify(plans.map(planJson))}}`;
  return `{"results":${results}${explain},"took_ms":${tookText(tookMs())}}`;
}

function planJson(plan: NodePlan): Record<string, unknown> {
  const { nodeId, shards, strategy, reason, points, matching = null, ef, rounds } = plan;
  return { node_id: nodeId, shards, strategy, reason, points, matching, ef, rounds };
}

export async function searchBatchAnswer(
  results: readonly (readonly SearchHit[])[],
  tookMs: () => number,
): Promise<string> {
  const breather = new Breather(UNITS_MAX);
  const texts: string[] = [];
  for (const hits of results) texts.push(await hitsText(hits, breather));
  return `{"results":[${texts.join(',')}],"took_ms":${tookText(tookMs())}}`;
}

export async function scrollAnswer(
  page: ScrollResult,
  shown: { readonly withVector: boolean; readonly withPayload: boolean },
): Promise<string> {
  const breather = new Breather(UNITS_MAX);
  let points = '';
  for (const point of page.points) {
    const vector = shown.withVector ? `,"vector":${vectorText(point.vector)}` : '';
    const payload = shown.withPayload ? `,"payload":${utf8(point.payload)}` : '';
    points += `${points === '' ? '' : ','}{"id":${idOf(point)}${vector}${payload},"version":${point.version}}`;
    if (breather.spend(unitsOf(vector, payload))) await breather.rest();
  }
  const cursor = page.next === undefined ? 'null' : `"${encodeCursor(page.next)}"`;
  return `{"points":[${points}],"next_cursor":${cursor}}`;
}

export function countAnswer(count: number): string {
  return `{"count":${count}}`;
}

/** The header of eventual reads. */
export function stalenessHeader(read: Read<unknown>): Record<string, string> {
  return { 'x-grape-staleness-ms': String(Math.max(0, Math.round(read.stalenessMs))) };
}

async function hitsText(hits: readonly SearchHit[], breather: Breather): Promise<string> {
  let text = '[';
  for (const hit of hits) {
    const payload = hit.payload === undefined ? '' : `,"payload":${utf8(hit.payload)}`;
    const vector = hit.vector === undefined ? '' : `,"vector":${vectorText(hit.vector)}`;
    text += `${text === '[' ? '' : ','}{"id":${idOf(hit)},"score":${String(hit.score)}${payload}${vector}}`;
    if (breather.spend(unitsOf(vector, payload))) await breather.rest();
  }
  return `${text}]`;
}

/** Work is counted in characters: a number of a vector costs more for each than a payload, which is only copied. */
function unitsOf(vector: string, payload: string): number {
  return HIT_UNITS + vector.length + payload.length / 50;
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
