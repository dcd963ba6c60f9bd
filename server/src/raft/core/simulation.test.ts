import { seededRandom } from '../../base/index.ts';
import { Simulation, type SimulationCounts } from './testing/simulation.ts';

const SEEDS = 80;
const STEPS = 6_000;

describe('a group under random faults', () => {
  it('keeps its guarantees at every step, and commits again when everything is mended', () => {
    const total: Partial<Record<keyof SimulationCounts, number>> = {};
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      try {
        const counts = new Simulation({ random: seededRandom(seed), steps: STEPS }).run();
        for (const [name, count] of Object.entries(counts) as [keyof SimulationCounts, number][]) {
          total[name] = (total[name] ?? 0) + count;
        }
      } catch (error) {
        throw new Error(`seed ${String(seed)}`, { cause: error });
      }
    }
    // A fault that never happened proves nothing.
    for (const [name, count] of Object.entries(total))
      expect(`${name}: ${String(count > SEEDS / 2)}`).toBe(`${name}: true`);
  });
});
