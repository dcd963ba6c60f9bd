import fc from 'fast-check';

import { floatText, vectorText } from './float-text.ts';

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });

test('every float32 comes back exactly from its text', () => {
  fc.assert(
    fc.property(float32, (value) => {
      expect(Object.is(Math.fround(Number(floatText(value))), value)).toBe(true);
      expect(JSON.parse(floatText(value))).toBe(Number(floatText(value)));
    }),
    { numRuns: 5000 },
  );
});

test('no shorter decimal gives the same float32', () => {
  fc.assert(
    fc.property(float32, (value) => {
      const shortest = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        .map((digits) => Number(value.toPrecision(digits)))
        .find((candidate) => Math.fround(candidate) === value);
      const sign = Object.is(value, -0) ? 1 : 0;
      expect(floatText(value).length).toBeLessThanOrEqual(String(shortest).length + sign);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [Math.fround(0.1), '0.1'],
  [Math.fround(-1 / 3), '-0.33333334'],
  [16777216, '16777216'],
  [3.4028234663852886e38, '3.4028235e+38'],
  [2 ** -149, '1e-45'],
  [Math.fround(1e21), '1e+21'],
])('%d is written %s', (value, text) => {
  expect(floatText(value)).toBe(text);
});

test('a vector is a JSON array', () => {
  expect(vectorText(Buffer.from(new Float32Array([0.5, -2, 0.1]).buffer))).toBe('[0.5,-2,0.1]');
});
