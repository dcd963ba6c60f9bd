import fc from 'fast-check';

import { parseJson } from './json.ts';
import { isPointKey, parsePointId, parsePointIdFromPath, pointIdJson, pointIdText } from './point-id.ts';

const UUID = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const MAX = '18446744073709551615';

const integers = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const texts = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .filter((text) => Buffer.byteLength(text) <= 512 && !/^\d+$/.test(text));
const ids = fc.oneof(
  integers,
  fc.uuid(),
  texts,
  integers.map((value) => value.toString()),
);

/** 0 for integers, 1 for UUIDs, 2 for other strings: the order between kinds. */
function rank(id: string | bigint): number {
  if (typeof id === 'bigint' || (/^(0|[1-9]\d*)$/.test(id) && BigInt(id) < 2n ** 64n)) return 0;
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id) ? 1 : 2;
}

function naiveOrder(a: string | bigint, b: string | bigint): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) === 0) return Number(BigInt(a) > BigInt(b)) - Number(BigInt(a) < BigInt(b));
  const [left, right] = [a, b].map((id) => (rank(id) === 1 ? String(id).toLowerCase() : String(id)));
  return Buffer.compare(Buffer.from(left!), Buffer.from(right!));
}

describe('the id of a point', () => {
  it('orders keys as integers by value, then UUIDs, then strings by bytes', () => {
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        const order = Buffer.compare(parsePointId(a).key, parsePointId(b).key);
        expect(Math.sign(order)).toBe(Math.sign(naiveOrder(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('comes back as JSON of the type and text that it was written in', () => {
    fc.assert(
      fc.property(ids, (id) => {
        const parsed = parsePointId(id);
        const expected = typeof id === 'bigint' ? id.toString() : JSON.stringify(id);
        expect(pointIdJson(parsed.key, parsed.isInteger)).toBe(expected);
        expect(parsePointId(pointIdText(parsed.key)).key).toEqual(parsed.key);
        expect(isPointKey(parsed.key)).toBe(true);
      }),
    );
  });

  it('is the same for an integer, the same digits as a string, and the digits in a path', () => {
    fc.assert(
      fc.property(integers, (value) => {
        const fromBody = parsePointId(parseJson(value.toString()));
        expect(fromBody.isInteger).toBe(true);
        expect(pointIdText(fromBody.key)).toBe(value.toString());
        expect(parsePointId(value.toString()).key).toEqual(fromBody.key);
        expect(parsePointIdFromPath(value.toString()).key).toEqual(fromBody.key);
      }),
    );
  });

  it.each([
    ['5', 5, true],
    ['0', 0, true],
    ['0', -0, true],
    [MAX, 2n ** 64n - 1n, true],
    ['05', 5, false],
    ['+5', 5, false],
    ['5.0', 5, false],
    ['', undefined, false],
    [UUID, UUID.toUpperCase(), true],
    [UUID, UUID.replaceAll('-', ''), false],
    ['a', 'A', false],
  ])('%p and %p: one point is %p', (a, b, same) => {
    const key = (id: unknown): string => {
      try {
        return parsePointId(id).key.toString('hex');
      } catch {
        return `refused ${String(id)}`;
      }
    };
    expect(key(a) === key(b)).toBe(same);
  });

  it('answers a UUID in lower case', () => {
    const id = parsePointId(UUID.toUpperCase());
    expect(pointIdJson(id.key, id.isInteger)).toBe(`"${UUID}"`);
  });

  it('takes digits above 2^64-1 as a string when they are one', () => {
    const id = parsePointId('18446744073709551616');
    expect([id.key[0], pointIdText(id.key)]).toEqual([3, '18446744073709551616']);
  });

  it.each([
    ['of 512 bytes', 'x'.repeat(512)],
    ['of 512 bytes in fewer characters', '\u{1f347}'.repeat(128)],
    ['with a slash and a zero byte', 'a/b\0c'],
  ])('may be a string %s', (_what, text) => {
    expect(pointIdText(parsePointId(text).key)).toBe(text);
  });

  it.each([
    ['an empty string', ''],
    ['513 bytes', 'x'.repeat(513)],
    ['513 bytes in fewer characters', `${'\u{1f347}'.repeat(128)}x`],
    ['a lone surrogate', 'a\ud800'],
    ['a negative integer', -1],
    ['a fraction', 1.5],
    ['an integer that a double has rounded', 2 ** 60],
    ['2^64', 2n ** 64n],
    ['2^64 in JSON', parseJson('18446744073709551616')],
    ['a huge negative integer in JSON', parseJson('-18446744073709551616')],
    ['NaN', NaN],
    ['null', null],
    ['absent', undefined],
    ['a boolean', true],
    ['an array', [1]],
    ['an object', {}],
    ['an object that looks like an exact integer', { rawJSON: '5' }],
  ])('is refused when it is %s', (_what, value) => {
    expect(() => parsePointId(value)).toThrow(expect.objectContaining({ code: 'INVALID_ID' }) as Error);
  });

  it.each([
    ['nothing', []],
    ['an unknown kind', [9, 1]],
    ['a short integer', [1, 0, 0]],
    ['a long UUID', [2, ...new Array<number>(17).fill(0)]],
    ['an empty text', [3]],
    ['digits kept as text', [3, 0x35]],
    ['bytes that are no UTF-8', [3, 0xff]],
    ['a text of 513 bytes', [3, ...new Array<number>(513).fill(0x61)]],
  ])('has no key made of %s', (_what, bytes) => {
    expect(isPointKey(Buffer.from(bytes))).toBe(false);
  });
});
