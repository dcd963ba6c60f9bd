/** How two vectors are compared; the exact arithmetic is fixed by the reference (`docs/reference`, scores). */
export type Metric = 'cosine' | 'euclidean' | 'dot';

export const METRICS = ['cosine', 'euclidean', 'dot'] as const satisfies readonly Metric[];

/** Most values a vector may have. */
export const DIMENSION_MAX = 4096;

/** Number of the collection that calls without a collection name go to. */
export const DEFAULT_COLLECTION_ID = 1;

export const FIELD_TYPES = ['keyword', 'integer', 'float', 'bool', 'datetime', 'geo', 'text'] as const;
/** What an index keeps of the values of a field. */
export type FieldType = (typeof FIELD_TYPES)[number];

/** An index over one field of the payloads. */
export interface PayloadIndex {
  /** Never that of another index of the collection, also of one that is gone. */
  readonly number: number;
  /** The path as it was written. */
  readonly field: string;
  readonly type: FieldType;
}

/** Indexes of one collection at one time. */
export const PAYLOAD_INDEXES_MAX = 64;

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
  /** Ascending by number. */
  readonly payloadIndexes: readonly PayloadIndex[];
  /** How many were ever made: the number of the next one. */
  readonly payloadIndexesMade: number;
}

/** What a collection has of payload indexes in the beginning. */
export const NO_PAYLOAD_INDEXES = { payloadIndexes: [], payloadIndexesMade: 0 } as const;

/** A collection with everything that its index needs. */
export interface IndexedCollection extends CollectionSchema {
  /** As the whole cluster has it: `[vector] binary_quantization`. */
  readonly binaryQuantization: boolean;
}
