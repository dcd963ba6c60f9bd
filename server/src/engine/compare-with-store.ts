import { type Matcher, matches } from './filter/matcher.ts';
import { type ScoredPoint, scoredPoint } from './scored-point.ts';
import type { SearchContext, SearchQuery } from './search-query.ts';
import { float32Values } from './stored-point.ts';
import type { IndexHit } from './vector-index-port.ts';

export interface Compared {
  /** In the order of the hits; one that was replaced is scored anew. */
  readonly points: ScoredPoint[];
  /** Hits that the store did not confirm. */
  readonly stale: number;
}

/** What the store has for the hits of an index now; with `matcher` only the points that pass. */
export async function compareWithStore(
  context: SearchContext,
  query: SearchQuery,
  { hits, matcher }: { readonly hits: readonly IndexHit[]; readonly matcher?: Matcher },
): Promise<Compared> {
  const { store, indexes, index } = context;
  const addresses = hits.map(({ shard, generation, id }) => ({
    shard,
    generation,
    collection: query.collection,
    idKey: id,
  }));
  const points = new Map<string, ScoredPoint | undefined>();
  let confirmed = 0;
  await store.visit(addresses, (point, position) => {
    if (point === undefined) return;
    const hit = hits[position] as IndexHit;
    const isCurrent = hit.version === point.version;
    if (isCurrent) confirmed += 1;
    // While a point is replaced, the index may answer both of its slots; the store has one version for both.
    const key = `${String(hit.shard)} ${hit.id.toString('latin1')}`;
    if (points.has(key)) return;
    if (matcher !== undefined && !matches(matcher, point)) {
      points.set(key, undefined);
      return;
    }
    const score = isCurrent
      ? hit.score
      : indexes.score(index.schema.metric, query.query, float32Values(point.vector));
    points.set(key, scoredPoint(point, score, query));
  });
  const stale = hits.length - Math.min(confirmed, points.size);
  return { points: [...points.values()].filter((point) => point !== undefined), stale };
}
