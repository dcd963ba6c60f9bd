import type { CollectionIndex } from './collection-index.ts';
import type { PointStore } from './point-store.ts';
import type { ShardState } from './shard-state.ts';
import { float32Values, type StoredPoint } from './stored-point.ts';
import type { IndexHit, VectorIndexes } from './vector-index-port.ts';

export interface SearchQuery {
  readonly collection: number;
  readonly query: Float32Array;
  /** Winners wanted, 1 to 10,000. */
  readonly k: number;
  /** Candidates of the graph search; raised to `k` when lower. */
  readonly ef: number;
  /** Compare with every vector. */
  readonly exact: boolean;
  /** Shards to search; all of them are open here. */
  readonly shards: readonly number[];
  readonly withPayload: boolean;
  readonly withVector: boolean;
}

/** A winner, as the store had it when the search ended. */
export interface ScoredPoint {
  readonly score: number;
  readonly shard: number;
  readonly idKey: Buffer;
  readonly isInteger: boolean;
  readonly version: number;
  /** Only when asked for. */
  readonly payload?: Buffer | undefined;
  /** Only when asked for. */
  readonly vector?: Buffer | undefined;
}

/** What a search uses of the node. */
export interface SearchContext {
  readonly index: CollectionIndex;
  readonly indexes: VectorIndexes;
  readonly store: PointStore;
  readonly states: ReadonlyMap<number, ShardState>;
  /** Resolves when the turn that is being applied now has reached the index. */
  readonly settled: () => Promise<void>;
}

/** Searches of one call at most. Each one looks deeper than the one before, past more points that are being replaced. */
const ATTEMPTS_MAX = 4;
/** Hits of one search at most, whatever is being replaced. */
const HITS_MAX = 20_000;

/**
 * The best `k` points, best first, ties by id order. Hits of the index are compared with the store: one that is gone
 * is dropped, one that was replaced is scored anew, so that no deleted or replaced version is ever answered. Where
 * that may have let a better point fall below the `k` hits, the search is repeated for more of them.
 */
export async function searchNode(context: SearchContext, query: SearchQuery): Promise<ScoredPoint[]> {
  const shards = query.shards.map((shard) => ({ shard, generation: generationOf(context, shard) }));
  const order = winnersFirst(context.index.schema.metric === 'euclidean');
  let wanted = query.k;
  for (let attempt = 1; ; attempt++) {
    const { query: vector, exact } = query;
    const ef = Math.max(query.ef, wanted);
    const hits = await context.index.search({ query: vector, k: wanted, ef, exact, shards });
    const { points, stale } = await compareWithStore(context, query, hits);
    if (stale === 0) return points.slice(0, query.k);
    points.sort(order);
    const last = hits[wanted - 1];
    const kth = points[query.k - 1];
    // Whatever the index did not answer ranks behind its last hit.
    const isComplete = last === undefined || (kth !== undefined && order(kth, rankOf(last)) <= 0);
    if (isComplete || attempt === ATTEMPTS_MAX) return points.slice(0, query.k);
    await context.settled();
    wanted = Math.min(wanted + 2 * stale, HITS_MAX);
  }
}

interface Compared {
  readonly points: ScoredPoint[];
  /** Hits that the store did not confirm. */
  readonly stale: number;
}

async function compareWithStore(
  context: SearchContext,
  query: SearchQuery,
  hits: readonly IndexHit[],
): Promise<Compared> {
  const { store, indexes, index } = context;
  const addresses = hits.map(({ shard, generation, id }) => ({
    shard,
    generation,
    collection: query.collection,
    idKey: id,
  }));
  const points = new Map<string, ScoredPoint>();
  let confirmed = 0;
  await store.visit(addresses, (point, position) => {
    if (point === undefined) return;
    const hit = hits[position] as IndexHit;
    const isCurrent = hit.version === point.version;
    if (isCurrent) confirmed += 1;
    const score = isCurrent
      ? hit.score
      : indexes.score(index.schema.metric, query.query, float32Values(point.vector));
    // While a point is replaced, the index may answer both of its slots; the store has one version for both.
    points.set(`${String(hit.shard)} ${hit.id.toString('latin1')}`, scoredPoint(point, score, query));
  });
  return { points: [...points.values()], stale: hits.length - Math.min(confirmed, points.size) };
}

function scoredPoint(point: StoredPoint, score: number, query: SearchQuery): ScoredPoint {
  const { shard, idKey, isInteger, version, payload, vector } = point;
  return {
    score,
    shard,
    idKey,
    isInteger,
    version,
    ...(query.withPayload ? { payload } : undefined),
    ...(query.withVector ? { vector } : undefined),
  };
}

function generationOf(context: SearchContext, shard: number): number {
  const state = context.states.get(shard);
  if (state === undefined) throw new RangeError(`shard ${String(shard)} is not open on this node`);
  return state.generation;
}

interface Rank {
  readonly score: number;
  readonly idKey: Buffer;
}

function rankOf(hit: IndexHit): Rank {
  return { score: hit.score, idKey: hit.id };
}

/** Best score first (the lowest distance under euclidean, else the highest similarity), ties by id order. */
function winnersFirst(isLowerBetter: boolean): (left: Rank, right: Rank) => number {
  const sign = isLowerBetter ? 1 : -1;
  return (left, right) => sign * (left.score - right.score) || Buffer.compare(left.idKey, right.idKey);
}
