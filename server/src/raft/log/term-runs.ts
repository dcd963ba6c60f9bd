import { invariant } from '../../base/index.ts';

/**
 * The terms of a contiguous log, as runs: a log has few terms, so every term stays in memory at next to no cost.
 * Begins behind `baseIndex`, whose term is `baseTerm`.
 */
export class TermRuns {
  #baseIndex: number;
  /** First index of each run, ascending; the base is the first run. */
  readonly #firsts: number[];
  readonly #terms: number[];
  #last: number;

  constructor(base: { readonly index: number; readonly term: number }) {
    this.#baseIndex = base.index;
    this.#firsts = [base.index];
    this.#terms = [base.term];
    this.#last = base.index;
  }

  get lastIndex(): number {
    return this.#last;
  }

  get lastTerm(): number {
    return this.#terms[this.#terms.length - 1] as number;
  }

  append(index: number, term: number): void {
    invariant(index === this.#last + 1, 'terms are appended without a hole', { index, last: this.#last });
    invariant(term >= this.lastTerm, 'terms never fall along the log', { index, term, last: this.lastTerm });
    if (term !== this.lastTerm) {
      this.#firsts.push(index);
      this.#terms.push(term);
    }
    this.#last = index;
  }

  /** Forgets everything behind `index`. */
  truncateTo(index: number): void {
    invariant(index >= this.#baseIndex, 'a log is not cut below its base', { index, base: this.#baseIndex });
    if (index >= this.#last) return;
    while (this.#firsts.length > 1 && (this.#firsts[this.#firsts.length - 1] as number) > index) {
      this.#firsts.pop();
      this.#terms.pop();
    }
    this.#last = index;
  }

  /** Forgets everything before `index`, which becomes the base. */
  dropTo(index: number): void {
    invariant(index >= this.#baseIndex && index <= this.#last, 'the base moves within the log', {
      index,
      base: this.#baseIndex,
      last: this.#last,
    });
    const run = this.#runOf(index);
    this.#firsts.splice(0, run);
    this.#terms.splice(0, run);
    this.#firsts[0] = index;
    this.#baseIndex = index;
  }

  /** Undefined outside of [base, last]. */
  term(index: number): number | undefined {
    if (index < this.#baseIndex || index > this.#last) return undefined;
    return this.#terms[this.#runOf(index)];
  }

  #runOf(index: number): number {
    let low = 0;
    let high = this.#firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#firsts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
