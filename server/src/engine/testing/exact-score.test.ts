import fc from 'fast-check';
import { fusedMultiplyAdd, plainScore } from './exact-score.ts';

/** A float32 as an integer and a power of two: `significand * 2^exponent`. */
function exact(value: number): { significand: bigint; exponent: number } {
  let exponent = 0;
  while (!Number.isInteger(value)) {
    value *= 2;
    exponent -= 1;
  }
  return { significand: BigInt(value), exponent };
}

/** `left * right + addend` with integers, rounded once to float32, ties to even. */
function slowFma(left: number, right: number, addend: number): number {
  const [a, b, c] = [exact(left), exact(right), exact(addend)];
  const low = Math.min(a.exponent + b.exponent, c.exponent);
  const sum =
    ((a.significand * b.significand) << BigInt(a.exponent + b.exponent - low)) +
    (c.significand << BigInt(c.exponent - low));
  return roundToFloat32(sum, low);
}

function roundToFloat32(significand: bigint, exponent: number): number {
  const size = significand < 0n ? -significand : significand;
  // The last bit that a float32 of this size has; below 2^-149 there is none.
  const drop = Math.max(size.toString(2).length - 24, -149 - exponent, 0);
  const unit = 1n << BigInt(drop);
  let kept = size / unit;
  const twice = (size % unit) * 2n;
  if (twice > unit || (twice === unit && kept % 2n === 1n)) kept += 1n;
  const value = Number(kept) * 2 ** (exponent + drop);
  return significand < 0n ? -value : value;
}

test('a fused multiply-add rounds once', () => {
  const number = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 60), max: 2 ** 60 }),
    fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
    fc.constantFrom(2 ** -149, 3 * 2 ** -75, 1 + 2 ** -23, 1 - 2 ** -24, 2 ** -24),
  );
  fc.assert(
    fc.property(number, number, number, (left, right, addend) => {
      const expected = slowFma(left, right, addend);
      expect(fusedMultiplyAdd(left, right, addend) + 0).toBe(expected + 0);
    }),
    { numRuns: 2000 },
  );
});

test('a fused multiply-add is right where a double rounds to a tie first', () => {
  // The product is 1 + 2^-24 exactly between two float32 numbers; the tiny addend decides, but is lost in a double.
  expect(fusedMultiplyAdd(1 + 2 ** -12, 1 + 2 ** -12, -(2 ** -11))).toBe(Math.fround(1 + 2 ** -24));
  expect(fusedMultiplyAdd(2 ** -24, 1, 1)).toBe(1);
  expect(fusedMultiplyAdd(2 ** -12 + 2 ** -35, 2 ** -12, 1)).toBe(1 + 2 ** -23);
});

test('the scores of small vectors are what arithmetic says', () => {
  const [a, b] = [new Float32Array([3, 4]), new Float32Array([6, 8])];
  expect(plainScore('dot', a, b)).toBe(50);
  expect(plainScore('cosine', a, b)).toBe(1);
  expect(plainScore('euclidean', a, b)).toBe(5);
});
