import { type Clock, GrapeError } from '../base/index.ts';
import { ComparingPace, type TimedFilter } from './filter/compiled-filter.ts';
import { matches } from './filter/matcher.ts';
import type { CollectionSlice } from './keys.ts';
import type { PointStore } from './point-store.ts';
import type { SerialLock } from './serial-lock.ts';
import type { StoredPoint } from './stored-point.ts';

const CHUNK_BYTES = 256 * 1024;
const LOOKED_UP_AT_ONCE = 32;

export interface StoreScans {
  readonly store: PointStore;
  readonly clock: Clock;
  /** Held by one scan at a time: several at once would take as long in all, and more memory. */
  readonly scans: SerialLock;
}

/**
 * Calls `visit` with every point of the slices that passes, each slice as of one moment; points that a filter names are looked up,
 * each as it is then. Throws SHARD_UNAVAILABLE when late.
 */
export function visitMatching(
  { store, clock, scans }: StoreScans,
  { matcher, ids, deadlineMs, slices }: TimedFilter & { readonly slices: readonly CollectionSlice[] },
  visit: (point: StoredPoint) => void,
): Promise<void> {
  const pace = new ComparingPace();
  return scans.run(async () => {
    for (const slice of slices) {
      const chunks =
        ids === undefined ? store.scan(slice, { chunkBytes: CHUNK_BYTES }) : named(store, slice, ids);
      for await (const points of chunks) {
        if (clock.nowMs() >= deadlineMs)
          throw new GrapeError(
            'SHARD_UNAVAILABLE',
            'not all points could be compared with the filter in time',
          );
        for (const point of points) {
          if (matches(matcher, point)) visit(point);
          if (pace.compared(point)) await pace.rest();
        }
      }
    }
  });
}

async function* named(
  store: PointStore,
  slice: CollectionSlice,
  ids: readonly Buffer[],
): AsyncIterable<StoredPoint[]> {
  for (let at = 0; at < ids.length; at += LOOKED_UP_AT_ONCE) {
    const some = ids.slice(at, at + LOOKED_UP_AT_ONCE);
    const points = await store.getMany(some.map((idKey) => ({ ...slice, idKey })));
    yield points.filter((point) => point !== undefined);
  }
}
