import { type Clock, pause, type Random } from '../../base/index.ts';
import type { CollectionIndex } from '../collection-index.ts';
import type { IndexQuery } from '../vector-index-port.ts';
import { QuerySample } from './query-sample.ts';
import { RecallCurve } from './recall-curve.ts';

type Shards = IndexQuery['shards'];

/** Results that recall is measured for, with the candidates: searches for other numbers use the next larger one. */
const MEASURED = [
  { k: 10, efs: [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1_000], points: 384 },
  { k: 100, efs: [100, 140, 200, 280, 400, 560, 800, 1_200], points: 96 },
] as const;
/** From so many on, queries that were asked are measured with; fewer say too little. */
const QUERIES_MIN = 512;
/** Queries between two rests. */
const QUERIES_PER_TURN = 2;
/** Rest for each millisecond of work: also on a machine that does nothing else, measuring takes half a core. */
const REST_SHARE = 1;
/** Growth of an index since it was measured, as a share, after which that is out of date. */
const GROWTH = 0.2;
/** An index is measured when at most this share of it, or so many points, is not linked yet. */
const UNLINKED_SHARE = 0.02;
const UNLINKED_MIN = 1_000;

interface Measurement {
  readonly curves: readonly RecallCurve[];
  readonly slots: number;
  readonly isOfQueries: boolean;
}

/**
 * Measures the recall of one index by exact searches, with the queries that it was asked; until there are enough of them, with
 * points as if each were not in the index, which finds less than queries do: that errs on the safe side.
 */
export class RecallMeter {
  readonly #index: CollectionIndex;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sample: QuerySample;
  #measured: Measurement | undefined;

  constructor(index: CollectionIndex, o: { readonly clock: Clock; readonly random: Random }) {
    this.#index = index;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#sample = new QuerySample(o.random);
  }

  noteQuery(query: Float32Array): void {
    this.#sample.note(query);
  }

  /** Candidates that reach the recall; undefined until that was measured. */
  efFor(target: number, k: number): number | undefined {
    const curves = this.#measured?.curves ?? [];
    const curve = curves.find((one) => one.k >= k) ?? curves.at(-1);
    if (curve === undefined) return undefined;
    return Math.ceil(Math.max(k, (curve.efFor(target) * Math.max(k, curve.k)) / curve.k));
  }

  /** Of searches for 10 results; undefined until it was measured. */
  recallAt(ef: number): number | undefined {
    return this.#measured?.curves[0]?.recallAt(ef);
  }

  isDue(): boolean {
    const { slots, live, unlinked } = this.#index.stats();
    if (live < 2 || unlinked > Math.max(UNLINKED_MIN, UNLINKED_SHARE * slots)) return false;
    const last = this.#measured;
    if (last === undefined) return true;
    return (!last.isOfQueries && this.#hasQueries) || Math.abs(slots - last.slots) > GROWTH * last.slots;
  }

  /** Rejects with the reason of `signal` when that is aborted. */
  async measure(shards: Shards, signal: AbortSignal): Promise<void> {
    const { slots } = this.#index.stats();
    const isOfQueries = this.#hasQueries;
    const curves: RecallCurve[] = [];
    for (const measured of MEASURED) {
      const counts = isOfQueries
        ? await this.#countQueries(measured, shards, signal)
        : await this.#countPoints(measured, shards, signal);
      if (counts.wanted === 0) return;
      curves.push(
        new RecallCurve(
          measured.k,
          measured.efs.map((ef, i) => ({ ef, ...counts.recallAt(i) })),
        ),
      );
    }
    this.#measured = { curves, slots, isOfQueries };
  }

  get #hasQueries(): boolean {
    return this.#sample.size >= QUERIES_MIN;
  }

  async #countPoints(
    { k, efs, points }: (typeof MEASURED)[number],
    shards: Shards,
    signal: AbortSignal,
  ): Promise<Counts> {
    const counts = new Counts(efs.length);
    for (let taken = 0; taken < points; taken += QUERIES_PER_TURN) {
      const seed = Math.floor(this.#random.next() * 2 ** 32);
      await this.#restAfter(signal, async () => {
        const sample = { queries: QUERIES_PER_TURN, k, efs, shards, seed };
        const { wanted, found } = await this.#index.sampleRecall(sample);
        counts.add(wanted, found);
      });
    }
    return counts;
  }

  async #countQueries(
    { k, efs }: (typeof MEASURED)[number],
    shards: Shards,
    signal: AbortSignal,
  ): Promise<Counts> {
    const counts = new Counts(efs.length);
    for (const query of this.#sample.queries()) {
      await this.#restAfter(signal, async () => {
        const { wanted, found } = await this.#index.sampleRecall({ queries: query, k, efs, shards, seed: 0 });
        counts.add(wanted, found);
      });
    }
    return counts;
  }

  async #restAfter(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const startMs = this.#clock.nowMs();
    await work();
    signal.throwIfAborted();
    const restMs = REST_SHARE * (this.#clock.nowMs() - startMs);
    await pause(this.#clock, restMs, signal);
    signal.throwIfAborted();
  }
}

/** Sums over some times that recall was measured, by number of candidates. */
class Counts {
  wanted = 0;
  #times = 0;
  readonly #found: number[];
  readonly #squares: number[];

  constructor(length: number) {
    this.#found = Array<number>(length).fill(0);
    this.#squares = Array<number>(length).fill(0);
  }

  add(wanted: number, found: readonly number[]): void {
    this.#times += 1;
    this.wanted += wanted;
    found.forEach((count, i) => {
      this.#found[i] = (this.#found[i] ?? 0) + count;
      this.#squares[i] = (this.#squares[i] ?? 0) + count * count;
    });
  }

  recallAt(i: number): { readonly recall: number; readonly sure: number } {
    const [found = 0, squares = 0] = [this.#found[i], this.#squares[i]];
    const times = this.#times;
    const variance = Math.max(0, squares / times - (found / times) ** 2);
    const error = Math.sqrt(variance / times) / (this.wanted / times);
    const recall = found / this.wanted;
    return { recall, sure: recall - error };
  }
}
