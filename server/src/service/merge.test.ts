import fc from 'fast-check';

import { parsePointId } from '../model/index.ts';
import type { StoredPoint } from '../shard/index.ts';
import { compareScored, mergePages, passesThreshold } from './merge.ts';
import type { Page } from './shard-reader.ts';

const NOTHING = Buffer.alloc(0);

const stored = (id: number): StoredPoint => ({
  idKey: parsePointId(id).key,
  isInteger: true,
  version: 1,
  vector: NOTHING,
  payload: NOTHING,
  shard: 0,
});

const idsOf = (page: Page): number[] => page.points.map(({ idKey }) => Number(idKey.readBigUInt64BE(1)));

test('pages of several nodes, read one after the other, have every id once and in order', () => {
  const nodes = fc.array(fc.uniqueArray(fc.nat(60), { maxLength: 30 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 7 }), (lists, limit) => {
      // An id lives on one node: what an earlier list has is taken out of the later ones.
      const seen = new Set<number>();
      const disjoint = lists.map((list) =>
        list.filter((id) => !seen.has(id) && seen.add(id)).sort((a, b) => a - b),
      );
      const read: number[] = [];
      // Of every node's ids only some pass.
      const passes = (id: number): boolean => id % 3 > 0;
      let after: Buffer | undefined;
      for (let rounds = 0; rounds === 0 || after !== undefined; rounds += 1) {
        expect(rounds).toBeLessThan(100);
        const pages = disjoint.map((list): Page => {
          const rest = list.map(stored).filter(({ idKey }) => !after || Buffer.compare(idKey, after) > 0);
          const seenNow = rest.slice(0, limit);
          const points = seenNow.filter((point) => passes(Number(point.idKey.readBigUInt64BE(1))));
          return { points, through: rest.length > limit ? seenNow.at(-1)?.idKey : undefined };
        });
        const merged = mergePages(pages);
        read.push(...idsOf(merged));
        after = merged.through;
      }
      expect(read).toEqual([...seen].filter(passes).sort((a, b) => a - b));
    }),
  );
});

test('results are ordered best first, equal scores by id', () => {
  const at = (score: number, id: number): { score: number; idKey: Buffer } => ({
    score,
    idKey: parsePointId(id).key,
  });
  const points = [at(0.5, 9), at(0.9, 2), at(0.5, 3)];
  const ids = (metric: 'cosine' | 'euclidean'): bigint[] =>
    [...points].sort(compareScored(metric)).map(({ idKey }) => idKey.readBigUInt64BE(1));
  expect(ids('cosine')).toEqual([2n, 3n, 9n]);
  expect(ids('euclidean')).toEqual([3n, 9n, 2n]);
});

test.each([
  ['cosine', 0.5, 0.5, true],
  ['cosine', 0.4, 0.5, false],
  ['dot', 0.6, 0.5, true],
  ['euclidean', 0.5, 0.5, true],
  ['euclidean', 0.6, 0.5, false],
  ['euclidean', 0.4, undefined, true],
] as const)('under %s a score of %f passes a threshold of %f: %s', (metric, score, threshold, passes) => {
  expect(passesThreshold(metric, score, threshold)).toBe(passes);
});
