import { quantile, recallAt, summarise } from './stats.ts';

test('a quantile is the nearest rank', () => {
  const sorted = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect([0.5, 0.95, 0.99, 0].map((q) => quantile(sorted, q))).toEqual([5, 10, 10, 1]);
});

test('a rate counts calls per second of elapsed time', () => {
  expect(summarise([1, 1, 1, 1], 2000)).toMatchObject({ count: 4, perSecond: 2, p50Ms: 1 });
});

test('recall is the share of true neighbours found', () => {
  expect(
    recallAt(
      [
        [1, 2],
        [9, 4],
      ],
      [
        [1, 3],
        [3, 4],
      ],
    ),
  ).toBe(0.5);
});
