import { type Fault, FAULTS } from './swarm.ts';
import type { Outcome } from './world.ts';

/** Without these a run has shown nothing. */
const MUST_HAPPEN = [
  'elections',
  'acknowledged',
  'reads',
  'leased reads',
  'snapshots',
  'membership changes',
] as const;

/** What happened in all seeds together, so that nobody believes that a fault was there when it was not. */
export class Totals {
  readonly #startMs = performance.now();
  readonly #counts = new Map<string, number>();
  seeds = 0;
  #steps = 0;

  add({ steps, counts }: Outcome): void {
    this.seeds += 1;
    this.#steps += steps;
    for (const [name, count] of Object.entries(counts))
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** What never happened although it should have in so many seeds. */
  get missing(): string[] {
    const names: string[] = [...MUST_HAPPEN, ...FAULTS.map((fault: Fault) => `fault: ${fault}`)];
    return names.filter((name) => (this.#counts.get(name) ?? 0) === 0);
  }

  lines(): string[] {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = (count: number): string => (count / seconds).toFixed(count / seconds < 10 ? 1 : 0);
    const of = (names: readonly string[]): string =>
      names.map((name) => `${name.replace('fault: ', '')} ${this.#counts.get(name) ?? 0}`).join(', ');
    const plain = [...this.#counts.keys()].filter((name) => !name.startsWith('fault: '));
    const faults = [...this.#counts.keys()].filter((name) => name.startsWith('fault: '));
    return [
      `sim: ${this.seeds} seeds in ${seconds.toFixed(0)} s (${rate(this.seeds)}/s), ${this.#steps} steps (${rate(this.#steps)}/s)`,
      `sim: ${of(plain)}`,
      `sim: faults: ${of(faults)}`,
    ];
  }
}
