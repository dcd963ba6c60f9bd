/** How two vectors are compared; the exact arithmetic is fixed by the reference (`docs/reference`, scores). */
export type Metric = 'cosine' | 'euclidean' | 'dot';

export const METRICS = ['cosine', 'euclidean', 'dot'] as const satisfies readonly Metric[];

/** Most values a vector may have. */
export const DIMENSION_MAX = 4096;

/** Number of the collection that calls without a collection name go to. */
export const DEFAULT_COLLECTION_ID = 1;

/** What the cluster has fixed about a collection; the same on every node. */
export interface CollectionSchema {
  /** u32; the default collection is 1. */
  readonly id: number;
  readonly name: string;
  /** Values per vector, 1 to 4096. */
  readonly dimension: number;
  readonly metric: Metric;
  /** Links per node of the graph index. */
  readonly m: number;
}

/** A collection with everything that its index needs. */
export interface IndexedCollection extends CollectionSchema {
  /** As the whole cluster has it: `[vector] binary_quantization`. */
  readonly binaryQuantization: boolean;
}
