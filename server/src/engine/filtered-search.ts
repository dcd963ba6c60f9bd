import { compareWithStore } from './compare-with-store.ts';
import type { Matcher } from './filter/matcher.ts';
import { filterProgram } from './fields/filter-program.ts';
import type { TimedFilter } from './filter/compiled-filter.ts';
import { visitMatching } from './matching-points.ts';
import { type ScoredPoint, scoredPoint, winnersFirst } from './scored-point.ts';
import type { SearchContext, SearchQuery } from './search-query.ts';
import { float32Values } from './stored-point.ts';

/** Hits that are compared with a filter of which the index knows nothing: at first, and at most; then all points are. */
const BLIND = { first: 128, perWinner: 4, most: 4_096 } as const;
/** The same where the index lets hardly more points through than pass. */
const GUIDED = { first: 16, perWinner: 1.25, most: 20_000 } as const;
/** More than what the share of matches so far makes likely to be enough. */
const MARGIN = 1.5;
/** Candidates of a blind walk for each hit: winners may be among the last ones. */
const EF_PER_HIT = 2;

/**
 * The best `k` points that pass, best first. The index leaves out what its indexed fields rule out; its hits are read until
 * there are enough. Where it knows nothing and few pass, or all are asked for, every point is compared.
 */
export async function searchFiltered(
  context: SearchContext,
  query: SearchQuery,
  filter: TimedFilter,
): Promise<ScoredPoint[]> {
  const program = filterProgram(filter.filter, context.index.fields.ready);
  const needsAll = filter.ids !== undefined || (query.exact && program === undefined);
  const found = needsAll ? undefined : await amongHits(context, query, { matcher: filter.matcher, program });
  return found ?? amongAll(context, query, filter);
}

/** Undefined when so few points pass, or so many change meanwhile, that it is better to look at all. */
async function amongHits(
  context: SearchContext,
  query: SearchQuery,
  { matcher, program }: { readonly matcher: Matcher; readonly program: Buffer | undefined },
): Promise<ScoredPoint[] | undefined> {
  const shards = context.slices.of(query);
  const { exact, k } = query;
  const { first, perWinner, most } = program === undefined ? BLIND : GUIDED;
  let wanted = Math.ceil(Math.max(first, perWinner * k));
  while (wanted <= most) {
    const ef = Math.max(query.ef, program === undefined ? EF_PER_HIT * wanted : wanted);
    const hits = await context.index.search({
      query: query.query,
      k: wanted,
      ef,
      exact,
      shards,
      filter: program,
      onPlan: query.notes?.round({ ef, hasProgram: program !== undefined }),
    });
    const { points, stale } = await compareWithStore(context, query, { hits, matcher });
    // A point that changed may rank elsewhere now, and another one behind the last hit before it.
    if (stale === 0 && (points.length >= k || hits.length < wanted)) return points.slice(0, k);
    if (stale > 0) await context.settled();
    const passed = Math.max(1, points.length);
    wanted = Math.max(2 * wanted, Math.ceil((MARGIN * wanted * k) / passed));
  }
  return undefined;
}

async function amongAll(
  context: SearchContext,
  query: SearchQuery,
  filter: TimedFilter,
): Promise<ScoredPoint[]> {
  const { indexes, index } = context;
  query.notes?.store(index.stats().live, filter.ids?.length);
  const { metric } = index.schema;
  const order = winnersFirst(metric === 'euclidean');
  let best: ScoredPoint[] = [];
  const keepBest = (): void => {
    best = best.sort(order).slice(0, query.k);
  };
  await visitMatching(context, { ...filter, slices: context.slices.of(query) }, (point) => {
    const score = indexes.score(metric, query.query, float32Values(point.vector));
    best.push(scoredPoint(point, score, query));
    if (best.length >= 2 * query.k + 1_000) keepBest();
  });
  keepBest();
  return best;
}
