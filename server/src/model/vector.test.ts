import fc from 'fast-check';

import type { Metric } from './collection.ts';
import { parseJson } from './json.ts';
import { parseVector, vectorBytes } from './vector.ts';

const cosine = (dimension: number | undefined) => ({ dimension, metric: 'cosine' as const });

function codeOf(value: unknown, metric: Metric = 'cosine', dimension?: number): string {
  try {
    parseVector(value, 'vector', { dimension, metric });
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a vector', () => {
  it('is rounded to float32 and otherwise unchanged, bit for bit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, max: 2 ** 50, min: -(2 ** 50) }), {
          minLength: 1,
        }),
        (values) => {
          const vector = parseVector(values, 'vector', { dimension: values.length, metric: 'dot' });
          expect(Array.from(vector).every((value, i) => Object.is(value, values[i]))).toBe(true);
          const bytes = vectorBytes(vector);
          expect(
            values.map((_, i) => bytes.readFloatLE(4 * i)).every((value, i) => Object.is(value, values[i])),
          ).toBe(true);
        },
      ),
    );
  });

  it('says how many values it has when the collection has another dimension', () => {
    expect(() => parseVector([1, 2, 3], 'vector', cosine(768))).toThrow(
      expect.objectContaining({
        code: 'DIMENSION_MISMATCH',
        message: 'vector has 3 values, the collection has 768 dimensions',
      }) as Error,
    );
    expect(() => parseVector([0.1], 'vector', cosine(768))).toThrow('vector has 1 value, the collection');
  });

  it.each([
    ['no array', '[1]', 'ok'],
    ['4096 values', `[${'1,'.repeat(4095)}1]`, 'ok'],
    ['an integer beyond 2^53', '[9007199254740993, 1]', 'ok'],
    ['a value that float32 rounds to zero', '[1e-60, 1]', 'ok'],
    ['4097 values', `[${'1,'.repeat(4096)}1]`, 'INVALID_VECTOR'],
    ['nothing', '[]', 'INVALID_VECTOR'],
    ['a number', '1', 'INVALID_VECTOR'],
    ['an object', '{"0":1,"length":1}', 'INVALID_VECTOR'],
    ['null', 'null', 'INVALID_VECTOR'],
    ['null inside', '[1,null]', 'INVALID_VECTOR'],
    ['text inside', '[1,"2"]', 'INVALID_VECTOR'],
    ['"NaN" inside', '["NaN"]', 'INVALID_VECTOR'],
    ['"Infinity" inside', '["Infinity"]', 'INVALID_VECTOR'],
    ['a boolean inside', '[true]', 'INVALID_VECTOR'],
    ['an array inside', '[[1]]', 'INVALID_VECTOR'],
    ['an infinite double', '[1e999]', 'INVALID_VECTOR'],
    ['a minus infinite double', '[-1e999]', 'INVALID_VECTOR'],
    ['a value above float32', '[3.5e38]', 'INVALID_VECTOR'],
    ['a long integer above float32', `[${'9'.repeat(60)}]`, 'INVALID_VECTOR'],
    ['zeros', '[0,0,-0]', 'INVALID_VECTOR'],
    ['zeros in float32', '[1e-60,-1e-60]', 'INVALID_VECTOR'],
    ['a norm that float32 cannot square', '[2e19,1]', 'INVALID_VECTOR'],
    ['a norm that float32 squares to zero', '[1e-23]', 'INVALID_VECTOR'],
  ])('of %s under cosine', (_what, json, expected) => {
    expect(codeOf(parseJson(json))).toBe(expected);
  });

  it.each([NaN, Infinity, -Infinity])('with %p is refused, also when its text never was JSON', (value) => {
    for (const metric of ['cosine', 'dot', 'euclidean'] as const)
      expect(codeOf([1, value], metric)).toBe('INVALID_VECTOR');
  });

  it('may be zero or tiny under dot and euclidean', () => {
    for (const metric of ['dot', 'euclidean'] as const) {
      expect([codeOf([0, 0], metric), codeOf([1e-30], metric)]).toEqual(['ok', 'ok']);
    }
  });

  it('keeps distances of two allowed vectors finite in float32', () => {
    expect(codeOf([9.3e18], 'euclidean')).toBe('INVALID_VECTOR');
    const value = Math.fround(9.2e18);
    expect(codeOf([value], 'euclidean')).toBe('ok');
    expect(Number.isFinite(Math.fround((value + value) ** 2))).toBe(true);
    expect(codeOf([1.8e19], 'dot')).toBe('ok');
  });

  it('names the value that is wrong', () => {
    expect(() => parseVector([1, 2, 1e39], 'points[3].vector', cosine(3))).toThrow(
      'points[3].vector[2] must be a finite float32 number',
    );
  });
});
