import type { Metric } from '../../model/index.ts';

/**
 * The score of the contract, written down a second time and as plainly as possible: 16 lanes, lane j sums the elements
 * i = j mod 16 with fused multiply-add, then the lanes are added pairwise; every step rounds to float32.
 */
export function plainScore(metric: Metric, query: Float32Array, vector: Float32Array): number {
  switch (metric) {
    case 'dot':
      return sumOf(query.length, (i) => [at(query, i), at(vector, i)]);
    case 'cosine': {
      const norms = Math.fround(Math.fround(norm(query)) * Math.fround(norm(vector)));
      return Math.fround(plainScore('dot', query, vector) / norms);
    }
    case 'euclidean': {
      const squares = sumOf(query.length, (i) => {
        const difference = Math.fround(at(query, i) - at(vector, i));
        return [difference, difference];
      });
      return Math.fround(Math.sqrt(squares));
    }
  }
}

function norm(values: Float32Array): number {
  return Math.fround(Math.sqrt(plainScore('dot', values, values)));
}

function sumOf(length: number, factors: (i: number) => readonly [number, number]): number {
  const lanes = new Float32Array(16);
  for (let i = 0; i < length; i++) {
    const [left, right] = factors(i);
    lanes[i % 16] = fusedMultiplyAdd(left, right, at(lanes, i % 16));
  }
  for (let width = 8; width >= 1; width /= 2) {
    for (let j = 0; j < width; j++) lanes[j] = at(lanes, j) + at(lanes, j + width);
  }
  return at(lanes, 0);
}

/**
 * `left * right + addend` of float32 numbers, rounded once to float32. The product is exact in a double; the sum is
 * rounded to odd, so that the second rounding cannot meet a tie that the first one made (Boldo & Melquiond 2008).
 */
export function fusedMultiplyAdd(left: number, right: number, addend: number): number {
  const product = left * right;
  const sum = product + addend;
  const part = sum - product;
  const error = product - (sum - part) + (addend - part);
  if (error === 0 || !Number.isFinite(sum)) return Math.fround(sum);
  return Math.fround(isOdd(sum) ? sum : towards(sum, error));
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

function isOdd(value: number): boolean {
  double[0] = value;
  return ((bits[0] as bigint) & 1n) === 1n;
}

/** The neighbour of a double with an even significand that lies on the side of `direction`. */
function towards(value: number, direction: number): number {
  double[0] = value;
  bits[0] = (bits[0] as bigint) + (value > 0 === direction > 0 ? 1n : -1n);
  return double[0];
}

function at(values: Float32Array, i: number): number {
  return values[i] as number;
}
