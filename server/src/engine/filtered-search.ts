import { compareWithStore } from './compare-with-store.ts';
import { compiled, type TimedFilter, type TimedMatcher, visitMatching } from './matching-points.ts';
import { type ScoredPoint, scoredPoint, winnersFirst } from './scored-point.ts';
import { type SearchContext, type SearchQuery, slicesOf } from './search-query.ts';
import { float32Values } from './stored-point.ts';

/** Hits of the index that are compared with a filter: at first, and at most; then all points are. */
const HITS = { first: 128, max: 4_096 } as const;
/** Hits asked for in the first attempt, for each winner. */
const HITS_PER_WINNER = 4;
/** More than what the share of matches so far makes likely to be enough. */
const MARGIN = 1.5;
/** Candidates of a walk for each hit: winners may be among the last ones. */
const EF_PER_HIT = 2;

/**
 * The best `k` points that pass, best first. Where many pass, the hits of the index are read until there are enough;
 * where few do, or all are asked for, every point is compared.
 */
export async function searchFiltered(
  context: SearchContext,
  query: SearchQuery,
  filter: TimedFilter,
): Promise<ScoredPoint[]> {
  const timed = compiled(filter);
  return (
    (query.exact ? undefined : await amongHits(context, query, timed)) ?? amongAll(context, query, timed)
  );
}

/** Undefined when so few points pass, or so many change meanwhile, that it is better to look at all. */
async function amongHits(
  context: SearchContext,
  query: SearchQuery,
  { matcher }: TimedMatcher,
): Promise<ScoredPoint[] | undefined> {
  const shards = slicesOf(context, query);
  let wanted = Math.max(HITS.first, HITS_PER_WINNER * query.k);
  while (wanted <= HITS.max) {
    const ef = Math.max(query.ef, EF_PER_HIT * wanted);
    const hits = await context.index.search({ query: query.query, k: wanted, ef, exact: false, shards });
    const { points, stale } = await compareWithStore(context, query, { hits, matcher });
    // A point that changed may rank elsewhere now, and another one behind the last hit before it.
    if (stale === 0 && (points.length >= query.k || hits.length < wanted)) return points.slice(0, query.k);
    if (stale > 0) await context.settled();
    const passed = Math.max(1, points.length);
    wanted = Math.max(2 * wanted, Math.ceil((MARGIN * wanted * query.k) / passed));
  }
  return undefined;
}

async function amongAll(
  context: SearchContext,
  query: SearchQuery,
  timed: TimedMatcher,
): Promise<ScoredPoint[]> {
  const { indexes, index } = context;
  const { metric } = index.schema;
  const order = winnersFirst(metric === 'euclidean');
  let best: ScoredPoint[] = [];
  const keepBest = (): void => {
    best = best.sort(order).slice(0, query.k);
  };
  await visitMatching(context, { ...timed, slices: slicesOf(context, query) }, (point) => {
    const score = indexes.score(metric, query.query, float32Values(point.vector));
    best.push(scoredPoint(point, score, query));
    if (best.length >= 2 * query.k + 1_000) keepBest();
  });
  keepBest();
  return best;
}
