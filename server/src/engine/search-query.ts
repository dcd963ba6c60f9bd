import type { Clock } from '../base/index.ts';
import type { CollectionIndex } from './collection-index.ts';
import type { TimedFilter } from './filter/compiled-filter.ts';
import type { PointStore } from './point-store.ts';
import type { SearchNotes } from './search-plan.ts';
import type { SerialLock } from './serial-lock.ts';
import type { SliceCache } from './slice-cache.ts';
import type { VectorIndexes } from './vector-index-port.ts';

export interface SearchQuery {
  readonly collection: number;
  readonly query: Float32Array;
  /** Winners wanted, 1 to 10,000. */
  readonly k: number;
  /** Candidates of the graph search; raised to `k` when lower. */
  readonly ef: number;
  /** Then the index decides how many candidates reach this recall, and `ef` says nothing. */
  readonly targetRecall?: number | undefined;
  /** Compare with every vector. */
  readonly exact: boolean;
  readonly filter?: TimedFilter | undefined;
  /** Shards to search; all of them are open here. */
  readonly shards: readonly number[];
  readonly withPayload: boolean;
  readonly withVector: boolean;
  /** Is told how the winners are found. */
  readonly notes?: SearchNotes | undefined;
}

/** What a search uses of the node. */
export interface SearchContext {
  readonly index: CollectionIndex;
  readonly indexes: VectorIndexes;
  readonly store: PointStore;
  readonly slices: SliceCache;
  readonly clock: Clock;
  /** `StoreScans.scans` */
  readonly scans: SerialLock;
  /** Resolves when the turn that is being applied now has reached the index. */
  readonly settled: () => Promise<void>;
}
