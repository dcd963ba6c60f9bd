import type { StoredPoint } from './stored-point.ts';

/** A winner, as the store had it when the search ended. */
export interface ScoredPoint {
  readonly score: number;
  readonly shard: number;
  readonly idKey: Buffer;
  readonly isInteger: boolean;
  readonly version: number;
  /** Only when asked for. */
  readonly payload?: Buffer | undefined;
  /** Only when asked for. */
  readonly vector?: Buffer | undefined;
}

interface Rank {
  readonly score: number;
  readonly idKey: Buffer;
}

export type Order = (left: Rank, right: Rank) => number;

/** Best score first (the lowest distance under euclidean, else the highest similarity), ties by id order. */
export function winnersFirst(isLowerBetter: boolean): Order {
  const sign = isLowerBetter ? 1 : -1;
  return (left, right) => sign * (left.score - right.score) || Buffer.compare(left.idKey, right.idKey);
}

export function scoredPoint(
  point: StoredPoint,
  score: number,
  { withPayload, withVector }: { readonly withPayload: boolean; readonly withVector: boolean },
): ScoredPoint {
  const { shard, idKey, isInteger, version, payload, vector } = point;
  return {
    score,
    shard,
    idKey,
    isInteger,
    version,
    ...(withPayload ? { payload } : undefined),
    ...(withVector ? { vector } : undefined),
  };
}
