import { type Clock, GrapeError } from '../base/index.ts';
import { ComparingPace, type TimedFilter } from './filter/compiled-filter.ts';
import { matches } from './filter/matcher.ts';
import type { CollectionSlice } from './keys.ts';
import type { PointStore } from './point-store.ts';
import type { SerialLock } from './serial-lock.ts';
import type { StoredPoint } from './stored-point.ts';

const CHUNK_BYTES = 256 * 1024;

export interface StoreScans {
  readonly store: PointStore;
  readonly clock: Clock;
  /** Held by one scan at a time: several at once would take as long in all, and more memory. */
  readonly scans: SerialLock;
}

/**
 * Calls `visit` with every point of the slices that passes, each slice as of one moment. Throws SHARD_UNAVAILABLE when late.
 */
export function visitMatching(
  { store, clock, scans }: StoreScans,
  { matcher, deadlineMs, slices }: TimedFilter & { readonly slices: readonly CollectionSlice[] },
  visit: (point: StoredPoint) => void,
): Promise<void> {
  const pace = new ComparingPace();
  return scans.run(async () => {
    for (const slice of slices) {
      for await (const points of store.scan(slice, { chunkBytes: CHUNK_BYTES })) {
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
