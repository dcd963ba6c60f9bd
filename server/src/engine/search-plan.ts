import type { IndexPlan } from './vector-index-port.ts';

/** How a node found the winners of one search. */
export interface SearchPlan {
  /**
   * `graph`: a walk through the graph; `filtered_graph`: the same, collecting only points that payload indexes let pass; `scan`: the
   * codes of all that they let pass; `exact`: the vectors; `store`: every stored point; `ids`: the points that the filter
   * names; `nothing`: none can pass.
   */
  readonly strategy: 'nothing' | 'graph' | 'filtered_graph' | 'scan' | 'exact' | 'store' | 'ids';
  readonly reason: string;
  /** Points of the shards that were searched. */
  readonly points: number;
  /** Of them, those that the payload indexes let pass, or about so many; undefined: they know nothing of the filter. */
  readonly matching: number | undefined;
  /** Candidates of the walk. */
  readonly ef: number;
  /** Calls of the index: more than one when too few of its hits passed, or some were just replaced. */
  readonly rounds: number;
}

/** Takes notes while one search runs. */
export class SearchNotes {
  #index: IndexPlan | undefined;
  #ef = 0;
  #rounds = 0;
  #hasProgram = false;
  #isOfStore = false;
  #named: number | undefined;

  /** A call of the index is about to be made; answers what it is to report to. */
  round(o: { readonly ef: number; readonly hasProgram: boolean }): (plan: IndexPlan) => void {
    this.#rounds += 1;
    this.#ef = o.ef;
    this.#hasProgram = o.hasProgram;
    return (plan) => {
      this.#index = plan;
    };
  }

  /** Every stored point is compared, or those that the filter names. */
  store(points: number, named: number | undefined): void {
    this.#isOfStore = true;
    this.#named = named;
    this.#index ??= { way: 'nothing', points, admissible: points };
  }

  plan(): SearchPlan {
    const { way, points, admissible } = this.#index ?? { way: 'nothing', points: 0, admissible: 0 };
    const matching = this.#hasProgram ? admissible : undefined;
    const common = { points, matching, ef: this.#ef, rounds: this.#rounds };
    if (this.#named !== undefined)
      return { strategy: 'ids', reason: `the filter names ${String(this.#named)} ids`, ...common };
    if (this.#isOfStore) return { strategy: 'store', reason: storeReason(this.#rounds), ...common };
    const strategy = way === 'graph' && this.#hasProgram ? 'filtered_graph' : way;
    return { strategy, reason: reasonOf(strategy, common), ...common };
  }
}

function storeReason(rounds: number): string {
  return rounds === 0
    ? 'all matches are asked for, and no payload index speaks of the filter'
    : 'too few of the nearest points pass the filter, and no payload index speaks of it';
}

function reasonOf(
  strategy: Exclude<SearchPlan['strategy'], 'store' | 'ids'>,
  { points, matching, ef }: Pick<SearchPlan, 'points' | 'matching' | 'ef'>,
): string {
  const share = `${String(matching ?? points)} of ${String(points)} points`;
  switch (strategy) {
    case 'nothing':
      return matching === undefined ? 'there are no points' : 'the payload indexes let no point pass';
    case 'graph':
      return `a walk for ${String(ef)} candidates looks at fewer points than there are`;
    case 'filtered_graph':
      return `the payload indexes let ${share} pass: enough for a walk`;
    case 'scan':
      return `${share} are fewer than a walk for ${String(ef)} candidates would look at, or the graph leads to too few`;
    case 'exact':
      return `exact results are asked for: ${share} are compared`;
  }
}
