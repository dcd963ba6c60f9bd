import { seededRandom } from '../../base/index.ts';
import { Simulation, type SimulationCounts } from './testing/simulation.ts';

const SEEDS = 80;
const STEPS = 6_000;

/** Runs of `REGRESSION_STEPS` that failed once, and what was wrong. */
const REGRESSION_STEPS = 10_000;
const REGRESSIONS = [
  [1722, 'a snapshot overtook entries that were being applied, and one of them changed the configuration'],
  [3257, 'the same with a change for which the group was joint already'],
] as const;

function simulate(seed: number, steps: number): SimulationCounts {
  try {
    return new Simulation({ random: seededRandom(seed), steps }).run();
  } catch (error) {
    throw new Error(`seed ${String(seed)}`, { cause: error });
  }
}

describe('a group under random faults', () => {
  it('keeps its guarantees at every step, and commits again when everything is mended', () => {
    const total = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      for (const [name, count] of Object.entries(simulate(seed, STEPS)) as [string, number][]) {
        total.set(name, (total.get(name) ?? 0) + count);
      }
    }
    // A fault that hardly ever happened proves nothing.
    const rare = [...total].filter(([, count]) => count < SEEDS);
    expect(rare).toEqual([]);
  });

  it.each(REGRESSIONS)('survives seed %i, where once %s', (seed) => {
    expect(simulate(seed, REGRESSION_STEPS).commits).toBeGreaterThan(0);
  });
});
