import { compareWithStore } from './compare-with-store.ts';
import { searchFiltered } from './filtered-search.ts';
import { type ScoredPoint, winnersFirst } from './scored-point.ts';
import type { SearchContext, SearchQuery } from './search-query.ts';
import type { IndexHit } from './vector-index-port.ts';

/** Searches of one call at most. Each one looks deeper than the one before, past more points that are being replaced. */
const ATTEMPTS_MAX = 4;
/** Hits of one search at most, whatever is being replaced. */
const HITS_MAX = 20_000;

/**
 * The best `k` points, best first, ties by id order. The hits of an index are a state that was applied, at least as new as every
 * write that was acknowledged before the search, and are answered as they are when nothing else is asked for. Payloads and vectors
 * come from the store, which may be a turn ahead: hits are compared with it, one that is gone is dropped, one that was replaced is
 * scored anew, so that no version is answered with the payload of another. Where that may have let a better point fall below the `k`
 * hits, the search is repeated for more of them.
 */
export async function searchNode(context: SearchContext, query: SearchQuery): Promise<ScoredPoint[]> {
  if (query.filter !== undefined) return searchFiltered(context, query, query.filter);
  const shards = context.slices.of(query);
  const order = winnersFirst(context.index.schema.metric === 'euclidean');
  let wanted = query.k;
  for (let attempt = 1; ; attempt++) {
    const { query: vector, exact } = query;
    const ef = Math.max(query.ef, wanted);
    const onPlan = query.notes?.round({ ef, hasProgram: false });
    const hits = await context.index.search({ query: vector, k: wanted, ef, exact, shards, onPlan });
    if (!query.withPayload && !query.withVector) return hits.map(asFound);
    const { points, stale } = await compareWithStore(context, query, { hits });
    if (stale === 0) return points.slice(0, query.k);
    points.sort(order);
    const last = hits[wanted - 1];
    const kth = points[query.k - 1];
    // Whatever the index did not answer ranks behind its last hit.
    const isComplete =
      last === undefined || (kth !== undefined && order(kth, { score: last.score, idKey: last.id }) <= 0);
    if (isComplete || attempt === ATTEMPTS_MAX) return points.slice(0, query.k);
    await context.settled();
    wanted = Math.min(wanted + 2 * stale, HITS_MAX);
  }
}

function asFound({ id: idKey, score, shard, isInteger, version }: IndexHit): ScoredPoint {
  return { score, shard, idKey, isInteger, version };
}
