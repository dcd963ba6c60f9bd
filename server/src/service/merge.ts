import type { Metric } from '../model/index.ts';
import type { ScoredPoint, StoredPoint } from '../shard/index.ts';
import type { Page } from './shard-reader.ts';

/** Cosine and dot product: higher is better. Euclidean distance: lower is better. */
function isBetter(metric: Metric, a: number, b: number): boolean {
  return metric === 'euclidean' ? a < b : a > b;
}

/** True when a result with this score is asked for: the threshold itself still is. */
export function passesThreshold(metric: Metric, score: number, threshold: number | undefined): boolean {
  return threshold === undefined || score === threshold || isBetter(metric, score, threshold);
}

/** Best first; equal scores in the order of ids. */
export function compareScored(metric: Metric): (a: Ranked, b: Ranked) => number {
  return (a, b) => {
    if (a.score !== b.score) return isBetter(metric, a.score, b.score) ? -1 : 1;
    return Buffer.compare(a.idKey, b.idKey);
  };
}

type Ranked = Pick<ScoredPoint, 'score' | 'idKey'>;

/** Merges the pages of several nodes, all asked for points after the same id: ordered by id, without gaps. */
export function mergePages(pages: readonly Page[]): Page {
  const [only, ...others] = pages;
  if (only !== undefined && others.length === 0) return only;
  // Above what a node has looked at it may have points that it did not send.
  const bound = pages
    .map((page) => page.through)
    .filter((key) => key !== undefined)
    .reduce<Buffer | undefined>(
      (least, key) => (least === undefined || below(key, least) ? key : least),
      undefined,
    );
  const points = pages.flatMap((page) => page.points).sort(byId);
  if (bound === undefined) return { points, through: undefined };
  return { points: points.filter((point) => Buffer.compare(point.idKey, bound) <= 0), through: bound };
}

function below(key: Buffer, least: Buffer): boolean {
  return Buffer.compare(key, least) < 0;
}

function byId(a: StoredPoint, b: StoredPoint): number {
  return Buffer.compare(a.idKey, b.idKey);
}
