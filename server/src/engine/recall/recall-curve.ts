/** Recall of searches for `k` results with so many candidates. */
export interface MeasuredRecall {
  readonly ef: number;
  /** 0 to 1. */
  readonly recall: number;
  /** What the recall probably is at least: one standard error less. The same where that is not known. */
  readonly sure?: number;
}

/**
 * Recall as a function of the candidates `ef` of a search, between and beyond where it was measured: linear in the logarithm of
 * `ef`. More candidates never find less, so what noise has lowered is raised to what fewer candidates had.
 */
export class RecallCurve {
  readonly k: number;
  readonly #points: readonly Required<MeasuredRecall>[];

  /** At least one, ascending by `ef`, the first one at least `k`. */
  constructor(k: number, measured: readonly MeasuredRecall[]) {
    const most = { recall: 0, sure: 0 };
    this.k = k;
    this.#points = measured.map(({ ef, recall, sure = recall }) => {
      most.recall = Math.max(most.recall, recall);
      most.sure = Math.max(most.sure, sure);
      return { ef, ...most };
    });
  }

  recallAt(ef: number): number {
    const above = this.#points.findIndex((point) => point.ef >= ef);
    const right = this.#points.at(above);
    const left = above > 0 ? this.#points[above - 1] : undefined;
    if (right === undefined) return 0;
    return left === undefined || above < 0
      ? right.recall
      : left.recall + (right.recall - left.recall) * shareOf(ef, left.ef, right.ef);
  }

  /** The fewest candidates that surely reach the recall; the most that were measured when none do. */
  efFor(target: number): number {
    const above = this.#points.findIndex((point) => point.sure >= target);
    const right = this.#points.at(above);
    const left = above > 0 ? this.#points[above - 1] : undefined;
    if (right === undefined || left === undefined || above < 0) return right?.ef ?? this.k;
    const share = (target - left.sure) / (right.sure - left.sure);
    return Math.ceil(left.ef * (right.ef / left.ef) ** share);
  }
}

function shareOf(ef: number, from: number, to: number): number {
  return Math.log(ef / from) / Math.log(to / from);
}
