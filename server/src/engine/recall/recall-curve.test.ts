import fc from 'fast-check';
import { RecallCurve } from './recall-curve.ts';

const CURVE = new RecallCurve(10, [
  { ef: 10, recall: 0.8 },
  { ef: 40, recall: 0.9 },
  { ef: 160, recall: 0.88 },
  { ef: 640, recall: 1 },
]);

test.each([
  [5, 0.8],
  [10, 0.8],
  [20, 0.85],
  [40, 0.9],
  [160, 0.9],
  [320, 0.95],
  [1_000, 1],
])('%d candidates: %d', (ef, recall) => {
  expect(CURVE.recallAt(ef)).toBeCloseTo(recall, 9);
});

test.each([
  [0.5, 10],
  [0.85, 20],
  [0.9, 40],
  [0.95, 320],
  [1, 640],
])('recall %d: %d candidates', (recall, ef) => {
  expect(CURVE.efFor(recall)).toBe(ef);
});

test('a recall that nothing has reached takes the most candidates', () => {
  expect(
    new RecallCurve(10, [
      { ef: 10, recall: 0.5 },
      { ef: 99, recall: 0.7 },
    ]).efFor(0.9),
  ).toBe(99);
});

test('candidates are counted by what is sure', () => {
  const curve = new RecallCurve(10, [
    { ef: 10, recall: 0.9, sure: 0.8 },
    { ef: 40, recall: 1, sure: 0.9 },
  ]);
  expect([curve.efFor(0.85), curve.recallAt(20)]).toEqual([20, 0.95]);
});

test('the candidates for a recall reach it, and one fewer does not', () => {
  const measured = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(measured, fc.double({ min: 0.5, max: 0.999, noNaN: true }), (recalls, target) => {
      const curve = new RecallCurve(
        10,
        recalls.map((recall, i) => ({ ef: 10 * 3 ** i, recall })),
      );
      fc.pre(curve.recallAt(1e9) >= target);
      const ef = curve.efFor(target);
      expect(curve.recallAt(ef)).toBeGreaterThanOrEqual(target - 1e-9);
      if (ef > 10) expect(curve.recallAt(ef - 1)).toBeLessThanOrEqual(target + 1e-9);
    }),
  );
});
