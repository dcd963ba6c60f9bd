import type { Metric } from './collection.ts';
import type { PointId } from './point-id.ts';

/**
 * `strong`: sees every write acknowledged before the request began. `leader`: the applied state of the shard
 * leader without a quorum round. `eventual`: the caught-up replicas of the node that answers.
 */
export type Consistency = 'strong' | 'leader' | 'eventual';

/** What the collection demands of vectors. */
export interface ParseContext {
  /** Undefined until the first write of a single node has fixed it. */
  readonly dimension: number | undefined;
  readonly metric: Metric;
}

/** The JSON text of a filter that `parseFilter` takes: what travels between threads and nodes. */
export type FilterText = string;

/** A validated point on its way into a command. */
export interface PointWrite {
  readonly id: PointId;
  /** Little-endian float32, `4 * dimension` bytes. */
  readonly vector: Buffer;
  /** UTF-8 JSON text of an object, at most 1 MiB. */
  readonly payload: Buffer;
}

export interface UpsertRequest {
  /** The body was one point, not `{"points": [..]}`. */
  readonly single: boolean;
  /** Distinct ids in the order of their last mention; of equal ids the last one won. All vectors have one dimension. */
  readonly points: readonly PointWrite[];
  /** Of a single point: it is written only over this version; 0: only when there is none. */
  readonly ifVersion?: number;
}

export type DeleteRequest = DeleteByIds | DeleteByFilter;

export interface DeleteByIds {
  readonly kind: 'ids';
  /** 1 to 10,000 distinct ids. */
  readonly ids: readonly PointId[];
  /** Of a single id: deleted only in this version. */
  readonly ifVersion?: number;
}

export interface DeleteByFilter {
  readonly kind: 'filter';
  readonly filter: FilterText;
}

export interface PatchRequest {
  /** JSON text of an object; its keys replace those of the payload. */
  readonly set: Buffer;
  /** Keys to take out, distinct. */
  readonly unset: readonly string[];
  readonly ifVersion?: number;
}

export interface SearchRequest {
  readonly vector: Float32Array;
  readonly filter?: FilterText | undefined;
  /** 1 to 10,000; `offset + limit` at most 10,000. */
  readonly limit: number;
  readonly offset: number;
  /** Least similarity, or under euclidean largest distance, of a result. */
  readonly scoreThreshold: number | undefined;
  readonly withPayload: boolean;
  readonly withVector: boolean;
  /** Candidates that the graph search collects; undefined: the node's `ef_search`. */
  readonly ef: number | undefined;
  /** 0.5 to 0.999: the node picks the candidates; `ef` overrides it. */
  readonly targetRecall?: number;
  readonly exact: boolean;
  readonly consistency: Consistency;
}

export interface ScrollRequest {
  /** 1 to 10,000. */
  readonly limit: number;
  /** Key of the last id of the page before; the next page starts after it. */
  readonly cursor: Buffer | undefined;
  readonly filter?: FilterText | undefined;
  readonly withVector: boolean;
  readonly withPayload: boolean;
  readonly consistency: Consistency;
}

export interface CountRequest {
  readonly filter?: FilterText | undefined;
  readonly consistency: Consistency;
}
