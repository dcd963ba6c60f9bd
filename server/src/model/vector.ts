import { GrapeError } from '../base/index.ts';
import { DIMENSION_MAX, type Metric } from './collection.ts';
import { isExactInteger } from './json.ts';
import type { ParseContext } from './requests.ts';

/**
 * Largest squared norm. Scores are computed in float32, so the sum of squares must stay below the largest float32
 * (3.4028e38), with room for rounding; under euclidean the sum of two norms is squared, which is up to four times that.
 */
const SQUARED_NORM_MAX: Readonly<Record<Metric, number>> = { cosine: 3.4e38, dot: 3.4e38, euclidean: 8.5e37 };

/** Smallest squared norm under cosine, the smallest normal float32: below it the direction is lost to rounding. */
const SQUARED_NORM_MIN = 2 ** -126;

/**
 * A vector as float32, rounded to nearest; one that is float32 already is taken as it is. `path` names the field. Throws INVALID_VECTOR (not an array, a value that is
 * no finite float32 number, a norm that is not finite, zero under cosine) or DIMENSION_MISMATCH.
 */
export function parseVector(value: unknown, path: string, context: ParseContext): Float32Array {
  if (!(value instanceof Float32Array) && !Array.isArray(value))
    throw new GrapeError('INVALID_VECTOR', `${path} must be an array of numbers`);
  checkLength(value.length, path, context.dimension);
  const vector = value instanceof Float32Array ? value : rounded(value, path);
  checkNorm(vector, path, context.metric);
  return vector;
}

function rounded(numbers: readonly unknown[], path: string): Float32Array {
  const vector = new Float32Array(numbers.length);
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i];
    vector[i] = typeof number === 'number' ? number : numberAt(number, path, i);
  }
  return vector;
}

function checkNorm(vector: Float32Array, path: string, metric: Metric): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  // Written so that NaN, which an infinite value leads to as well, fails too.
  if (!(squares <= SQUARED_NORM_MAX[metric])) refuseLarge(vector, path);
  if (metric === 'cosine' && squares < SQUARED_NORM_MIN) {
    const what = squares === 0 ? 'zero' : 'so close to zero that float32 holds no direction';
    throw new GrapeError('INVALID_VECTOR', `${path} is ${what}, which has no meaning under cosine`);
  }
}

/** The bytes of a vector, little-endian float32, without a copy. */
export function vectorBytes(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function checkLength(length: number, path: string, dimension: number | undefined): void {
  if (dimension !== undefined && length !== dimension) {
    const values = length === 1 ? '1 value' : `${length} values`;
    const message = `${path} has ${values}, the collection has ${dimension} dimensions`;
    throw new GrapeError('DIMENSION_MISMATCH', message);
  }
  if (length < 1 || length > DIMENSION_MAX) {
    throw new GrapeError('INVALID_VECTOR', `${path} must have 1 to ${DIMENSION_MAX} values`);
  }
}

function numberAt(value: unknown, path: string, i: number): number {
  if (isExactInteger(value)) return Number(value.rawJSON);
  throw notFinite(path, i);
}

function refuseLarge(vector: Float32Array, path: string): never {
  const at = vector.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw notFinite(path, at);
  throw new GrapeError('INVALID_VECTOR', `the norm of ${path} is too large for scores in float32`);
}

function notFinite(path: string, i: number): GrapeError {
  return new GrapeError('INVALID_VECTOR', `${path}[${i}] must be a finite float32 number`);
}
