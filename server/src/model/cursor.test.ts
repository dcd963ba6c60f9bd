import fc from 'fast-check';

import { decodeCursor, encodeCursor } from './cursor.ts';
import { parsePointId } from './point-id.ts';

const refused = expect.objectContaining({ code: 'INVALID_CURSOR' }) as Error;

describe('a cursor', () => {
  it('carries the id key that it was made of', () => {
    for (const id of [0, 2n ** 64n - 1n, 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'text', 'x'.repeat(512)]) {
      const { key } = parsePointId(id);
      expect(decodeCursor(encodeCursor(key))).toEqual(key);
    }
  });

  it('is refused after any change of one character, also in the unused bits of the last', () => {
    const cursor = encodeCursor(parsePointId('some id').key);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const characters = fc.nat(63).map((i) => alphabet.charAt(i));
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), characters, (at, character) => {
        fc.pre(cursor[at] !== character);
        expect(() => decodeCursor(cursor.slice(0, at) + character + cursor.slice(at + 1))).toThrow(refused);
      }),
    );
  });

  it.each([
    ['a number', 5],
    ['null', null],
    ['empty', ''],
    ['other text', 'bm90IGEgY3Vyc29y'],
    ['padded', `${encodeCursor(parsePointId(5).key)}=`],
    ['a megabyte', 'A'.repeat(1_000_000)],
    ['checked bytes that are no id', encodeCursor(Buffer.from([3, 0x35]))],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => decodeCursor(text)).toThrow(refused);
  });
});
