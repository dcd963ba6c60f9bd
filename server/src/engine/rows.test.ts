import fc from 'fast-check';
import { DecodeError } from '../base/index.ts';
import { decodeCoverage, encodeCoverage, entriesBehind } from './coverage.ts';
import { decodeJournalRow, encodeJournalRow } from './journal.ts';
import { decodeShardState, encodeShardState, type ShardState } from './shard-state.ts';
import { decodePointValue, encodePointValue, float32Values } from './stored-point.ts';

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((b) => Buffer.from(b));
const at = { shard: 3, generation: 9 };
const counters = { logTimeMs: 0, retryRows: 0 };

test('a stored point comes back as it was, whatever its bits are', () => {
  const vector = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((b) => Buffer.concat([b, b, b, b]));
  fc.assert(
    fc.property(vector, bytes(50), fc.boolean(), fc.maxSafeNat(), (v, payload, isInteger, version) => {
      const point = { id: { key: Buffer.of(3, 65), isInteger }, vector: v, payload };
      expect(decodePointValue(encodePointValue(point, version))).toEqual({
        isInteger,
        version,
        vector: v,
        payload,
      });
    }),
  );
});

test('vectors are read as float32 also where their bytes are not aligned', () => {
  const values = new Float32Array([1.5, -0, Number.MAX_VALUE, 1e-45]);
  for (const shift of [0, 1, 2, 3]) {
    const vector = Buffer.concat([Buffer.alloc(shift), Buffer.from(values.buffer)]).subarray(shift);
    expect(float32Values(vector)).toEqual(values);
  }
});

test('the state of a shard comes back, and its bytes do not depend on the order of collections', () => {
  const collection = fc.tuple(
    fc.nat(0xffff_ffff),
    fc.record({ dimension: fc.nat(0xffff), live: fc.maxSafeNat() }),
  );
  const numbers = fc.record({
    applied: fc.maxSafeNat(),
    term: fc.maxSafeNat(),
    journalAfter: fc.maxSafeNat(),
    logTimeMs: fc.maxSafeNat(),
    retryRows: fc.maxSafeNat(),
  });
  const many = fc.uniqueArray(collection, { selector: ([id]) => id, maxLength: 5 });
  fc.assert(
    fc.property(numbers, many, (state, collections) => {
      const encoded = encodeShardState({ ...at, ...state, collections: new Map(collections) });
      expect(decodeShardState(at, encoded)).toEqual({ ...at, ...state, collections: new Map(collections) });
      expect(encodeShardState({ ...at, ...state, collections: new Map(collections.reverse()) })).toEqual(
        encoded,
      );
    }),
  );
});

test('a journal row comes back', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.array(bytes(20), { maxLength: 5 }), (collection, idKeys) => {
      expect(decodeJournalRow(7, encodeJournalRow(collection, idKeys))).toEqual({
        index: 7,
        collection,
        idKeys,
      });
    }),
  );
});

test('the tag of an index file comes back', () => {
  const coverage = new Map([
    [0, { generation: 1, applied: 2 ** 40 }],
    [0xffff, { generation: 0xffff_ffff, applied: 0 }],
  ]);
  expect(decodeCoverage(encodeCoverage(coverage))).toEqual(coverage);
});

test('rows that are cut short or of a later format are refused', () => {
  const point = {
    id: { key: Buffer.of(3, 65), isInteger: true },
    vector: Buffer.alloc(8),
    payload: Buffer.from('{}'),
  };
  const state: ShardState = {
    ...at,
    ...counters,
    applied: 1,
    term: 1,
    journalAfter: 0,
    collections: new Map(),
  };
  const rows: [Buffer, (row: Buffer) => unknown, number][] = [
    [encodePointValue(point, 1), decodePointValue, 20],
    [encodeShardState(state), (row) => decodeShardState(at, row), 44],
    [encodeJournalRow(1, [Buffer.from('ab')]), (row) => decodeJournalRow(1, row), 12],
    [encodeCoverage(new Map([[1, { generation: 1, applied: 1 }]])), decodeCoverage, 18],
  ];
  for (const [row, decode, length] of rows) {
    for (let cut = 0; cut < length; cut++) expect(() => decode(row.subarray(0, cut))).toThrow(DecodeError);
    const later = Buffer.from(row);
    later[0] = 9;
    expect(() => decode(later)).toThrow(DecodeError);
  }
});

test.each([
  ['nothing of the shard', undefined, undefined],
  ['another generation', { generation: 8, applied: 70 }, undefined],
  ['less than the journal reaches', { generation: 9, applied: 49 }, undefined],
  ['more than the store', { generation: 9, applied: 101 }, undefined],
  ['the oldest state that the journal reaches', { generation: 9, applied: 50 }, 50],
  ['a state in between', { generation: 9, applied: 70 }, 30],
  ['the state of the store', { generation: 9, applied: 100 }, 0],
])('an index that holds %s', (_, coverage, behind) => {
  const state = { ...at, ...counters, applied: 100, term: 1, journalAfter: 50, collections: new Map() };
  expect(entriesBehind(coverage, state)).toBe(behind);
});

test('a shard state of the first format has no log time and no retry rows', () => {
  const state: ShardState = {
    ...at,
    ...counters,
    applied: 7,
    term: 2,
    journalAfter: 3,
    collections: new Map(),
  };
  const row = encodeShardState(state);
  // format u8, three u64, then log time and rows, 16 bytes that the first format lacks.
  const first = Buffer.concat([Buffer.of(1), row.subarray(1, 25), row.subarray(41)]);
  expect(decodeShardState(at, first)).toEqual(state);
});
