import { seededRandom } from '../../server/src/base/index.ts';

/** A repeatable vector with values of either sign; different for every `seed`. */
export function vectorOf(seed: number, dimension: number): number[] {
  const random = seededRandom(seed * 7919 + 17);
  return Array.from({ length: dimension }, () => Math.fround(random.next() * 2 - 1));
}
