import fc from 'fast-check';
import { DecodeError } from '../base/index.ts';
import {
  idKeyOf,
  journalIndexOf,
  journalKey,
  journalRange,
  type KeyRange,
  parseShardStateKey,
  type PointAddress,
  pointKey,
  shardStateKey,
  shardStateRange,
  sliceRange,
} from './keys.ts';

const u32 = fc.nat(0xffff_ffff);
const generation = fc.record({ shard: fc.nat(0xffff), generation: u32 });
const idKey = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const address: fc.Arbitrary<PointAddress> = fc
  .tuple(generation, fc.constantFrom(0, 1, 0xff, 0x1ff, 0xffff_ffff), idKey)
  .map(([at, collection, key]) => ({ ...at, collection, idKey: key }));

function covers(range: KeyRange, key: Buffer): boolean {
  const isAfterStart =
    'gte' in range ? Buffer.compare(key, range.gte) >= 0 : Buffer.compare(key, range.gt) > 0;
  return isAfterStart && Buffer.compare(key, range.lt) < 0;
}

test('keys of points sort by shard, generation, collection and id, as numbers and bytes', () => {
  fc.assert(
    fc.property(address, address, (a, b) => {
      const numbers =
        a.shard - b.shard ||
        a.generation - b.generation ||
        a.collection - b.collection ||
        Buffer.compare(a.idKey, b.idKey);
      expect(Math.sign(Buffer.compare(pointKey(a), pointKey(b)))).toBe(Math.sign(numbers));
    }),
  );
});

test('the range of a slice covers its own points and no others', () => {
  fc.assert(
    fc.property(address, address, (a, b) => {
      expect(covers(sliceRange(a), pointKey(a))).toBe(true);
      const isSame = a.shard === b.shard && a.generation === b.generation && a.collection === b.collection;
      expect(covers(sliceRange(a), pointKey(b))).toBe(isSame);
    }),
  );
});

test('a range behind an id covers exactly the later ids', () => {
  fc.assert(
    fc.property(address, idKey, (a, after) => {
      expect(covers(sliceRange(a, after), pointKey(a))).toBe(Buffer.compare(a.idKey, after) > 0);
    }),
  );
});

test('ids, shards and log indexes are read back from keys', () => {
  fc.assert(
    fc.property(address, fc.maxSafeNat(), (a, index) => {
      expect(idKeyOf(pointKey(a))).toEqual(a.idKey);
      expect(parseShardStateKey(shardStateKey(a))).toEqual({ shard: a.shard, generation: a.generation });
      expect(covers(shardStateRange(), shardStateKey(a))).toBe(true);
      expect(journalIndexOf(journalKey(a, index))).toBe(index);
    }),
  );
});

test('a journal range covers the rows behind its start up to its end', () => {
  const at = { shard: 1, generation: 2 };
  const range = journalRange(at, { after: 255, upTo: 2 ** 33 });
  const covered = [0, 255, 256, 2 ** 32, 2 ** 33, 2 ** 33 + 1].map((index) =>
    covers(range, journalKey(at, index)),
  );
  expect(covered).toEqual([false, false, true, true, true, false]);
  expect(covers(range, journalKey({ shard: 1, generation: 3 }, 300))).toBe(false);
});

test('a key of another table is refused', () => {
  const at = { shard: 1, generation: 2 };
  expect(() => idKeyOf(journalKey(at, 1))).toThrow(DecodeError);
  expect(() => journalIndexOf(shardStateKey(at))).toThrow(DecodeError);
  expect(() => parseShardStateKey(journalKey(at, 1))).toThrow(DecodeError);
});
