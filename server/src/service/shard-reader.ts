import type { FilterText } from '../model/index.ts';
import type { IndexReport, ScoredPoint, SearchPlan, StoredPoint } from '../shard/index.ts';
import type { Read, ReadScope } from './read-scope.ts';

/** One search as it runs on a node. */
export interface NodeSearch {
  readonly vector: Float32Array;
  readonly k: number;
  /** Undefined: `ef_search` of the node that searches. */
  readonly ef: number | undefined;
  /** Undefined also when `ef` is given. */
  readonly targetRecall: number | undefined;
  readonly exact: boolean;
  readonly filter: FilterText | undefined;
  readonly withPayload: boolean;
  readonly withVector: boolean;
  /** Say how the points were found. */
  readonly explain: boolean;
}

/** What one search found on a node. */
export interface NodeFound {
  /** Best first. */
  readonly points: readonly ScoredPoint[];
  /** When it was asked for. */
  readonly plan: SearchPlan | undefined;
}

export interface PointAddress {
  readonly shard: number;
  readonly idKey: Buffer;
}

export interface Page {
  readonly points: readonly StoredPoint[];
  /** Key of the last id that was looked at; undefined: all were (else the page was full, by number, bytes or time). */
  readonly through: Buffer | undefined;
}

export interface PageQuery {
  readonly after: Buffer | undefined;
  readonly limit: number;
  readonly filter: FilterText | undefined;
  readonly withVector: boolean;
  /** Otherwise `payload` is empty. */
  readonly withPayload: boolean;
}

/** Bytes of payloads and vectors after which a node ends a page or a fetch early; one point always fits. */
export const READ_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Reads of the shards of one node, this one or another. Every call first waits for the read point of its scope; it
 * rejects with what `classifyFailure` calls `reroute` or `unknown` when another replica should be asked.
 */
export interface ShardReader {
  /** One answer per search. */
  search(
    scope: ReadScope,
    collection: number,
    searches: readonly NodeSearch[],
  ): Promise<Read<readonly NodeFound[]>>;
  /** Answers for a prefix of `points`, at least one: it ends early at `READ_BYTES_MAX`. */
  fetch(
    scope: ReadScope,
    collection: number,
    points: readonly PointAddress[],
  ): Promise<Read<readonly (StoredPoint | undefined)[]>>;
  scroll(scope: ReadScope, collection: number, query: PageQuery): Promise<Read<Page>>;
  count(scope: ReadScope, collection: number, filter: FilterText | undefined): Promise<Read<number>>;
  indexReports(scope: ReadScope, collection: number): Promise<Read<readonly IndexReport[]>>;
}

export function bytesOf(point: {
  readonly payload?: Buffer | undefined;
  readonly vector?: Buffer | undefined;
}): number {
  return (point.payload?.length ?? 0) + (point.vector?.length ?? 0);
}
