import type { Clock } from '../base/index.ts';

/** Width of one slot of the window. */
const SLOT_MS = 10_000;
/** The window: the slot being filled and the five before it. */
const SLOTS = 6;
/** Buckets per doubling: neighbouring bounds differ by 2.2 %, which bounds the error of a quantile. */
const BUCKETS_PER_DOUBLING = 32;
/** The first bound; everything faster counts as this. */
const FIRST_SECONDS = 1e-6;
/** 1 µs doubled 27 times is 134 s, above the longest request timeout. */
const BUCKETS = 27 * BUCKETS_PER_DOUBLING;

/**
 * Quantiles of what was observed in the last minute, in constant memory (21 KB) and some tens of nanoseconds an
 * observation: logarithmic buckets in a ring of slots.
 */
export class RecentQuantiles {
  readonly #clock: Clock;
  readonly #slots = Array.from({ length: SLOTS }, () => new Uint32Array(BUCKETS));
  #slotNumber: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#slotNumber = this.#numberNow();
  }

  observe(seconds: number): void {
    this.#advance();
    const counts = this.#slots[this.#slotNumber % SLOTS] as Uint32Array;
    const bucket = bucketOf(seconds);
    counts[bucket] = (counts[bucket] as number) + 1;
  }

  /** Seconds for each of `quantiles` (0 to 1), or undefined when the window is empty. */
  read(quantiles: readonly number[]): readonly number[] | undefined {
    this.#advance();
    const sums = new Float64Array(BUCKETS);
    let total = 0;
    for (const counts of this.#slots) {
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        const count = counts[bucket] as number;
        sums[bucket] = (sums[bucket] as number) + count;
        total += count;
      }
    }
    return total === 0 ? undefined : quantiles.map((quantile) => quantileOf(sums, quantile * total));
  }

  #numberNow(): number {
    return Math.floor(this.#clock.nowMs() / SLOT_MS);
  }

  #advance(): void {
    const now = this.#numberNow();
    if (now === this.#slotNumber) return;
    const first = Math.max(this.#slotNumber + 1, now - SLOTS + 1);
    for (let number = first; number <= now; number += 1) (this.#slots[number % SLOTS] as Uint32Array).fill(0);
    this.#slotNumber = now;
  }
}

function bucketOf(seconds: number): number {
  if (!(seconds > FIRST_SECONDS)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(seconds / FIRST_SECONDS) * BUCKETS_PER_DOUBLING));
}

function quantileOf(sums: Float64Array, rank: number): number {
  let seen = 0;
  let bucket = 0;
  while (bucket < BUCKETS - 1) {
    seen += sums[bucket] as number;
    if (seen >= rank) break;
    bucket += 1;
  }
  return FIRST_SECONDS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
}
