import type { LeaseClock } from '../types.ts';

/** Time that is passed by hand, in ticks. */
export class TestLease implements LeaseClock {
  readonly #lastsTicks: number;
  readonly #starts = new Map<number, number>();
  #now = 0;

  constructor(lastsTicks: number) {
    this.#lastsTicks = lastsTicks;
  }

  pass(ticks: number): void {
    this.#now += ticks;
  }

  roundStarts(round: number): void {
    this.#starts.set(round, this.#now);
  }

  isWithin(round: number): boolean {
    const start = this.#starts.get(round);
    return start !== undefined && this.#now - start < this.#lastsTicks;
  }
}
