import { Breather, type Clock, GrapeError } from '../base/index.ts';
import type { Filter } from '../model/index.ts';
import { compileFilter, type Matcher, matches } from './filter/matcher.ts';
import type { CollectionSlice } from './keys.ts';
import type { PointStore } from './point-store.ts';
import type { StoredPoint } from './stored-point.ts';

/** A filter that no index answers: points are compared with it one by one. */
export interface TimedFilter {
  readonly filter: Filter;
  /** When comparing ends at the latest, as `Clock.nowMs`. */
  readonly deadlineMs: number;
}

export interface TimedMatcher {
  readonly matcher: Matcher;
  readonly deadlineMs: number;
}

/** Bytes of payloads that are compared before others get their turn: about two milliseconds. */
const BYTES_BEFORE_REST = 512 * 1024;
/** What a point costs beside its payload, as if it were bytes. */
const ROW_BYTES = 256;
const CHUNK_BYTES = 256 * 1024;

export function compiled({ filter, deadlineMs }: TimedFilter): TimedMatcher {
  return { matcher: compileFilter(filter), deadlineMs };
}

/** Calls `visit` with every point of the slices that passes, each slice as of one moment. Throws SHARD_UNAVAILABLE when late. */
export async function visitMatching(
  { store, clock }: { readonly store: PointStore; readonly clock: Clock },
  query: TimedMatcher & { readonly slices: readonly CollectionSlice[] },
  visit: (point: StoredPoint) => void,
): Promise<void> {
  const { matcher, deadlineMs, slices } = query;
  const breather = new Breather(BYTES_BEFORE_REST);
  for (const slice of slices) {
    for await (const points of store.scan(slice, { chunkBytes: CHUNK_BYTES })) {
      if (clock.nowMs() >= deadlineMs)
        throw new GrapeError('SHARD_UNAVAILABLE', 'not all points could be compared with the filter in time');
      for (const point of points) {
        if (matches(matcher, point)) visit(point);
        if (breather.spend(ROW_BYTES + point.payload.length)) await breather.rest();
      }
    }
  }
}
