import fc from 'fast-check';
import { systemClock } from '../base/index.ts';
import { NO_PAYLOAD_INDEXES, parsePointId } from '../model/index.ts';
import { MemoryKv, WriteBatch } from '../storage/index.ts';
import { CollectionIndex } from './collection-index.ts';
import { pointKey } from './keys.ts';
import { searchNode } from './node-search.ts';
import type { SearchQuery } from './search-query.ts';
import { PointStore } from './point-store.ts';
import { SerialLock } from './serial-lock.ts';
import { SliceCache } from './slice-cache.ts';
import { newShardState } from './shard-state.ts';
import { encodePointValue } from './stored-point.ts';
import { plainScore } from './testing/exact-score.ts';
import { NaiveIndexes } from './testing/naive-indexes.ts';
import type { IndexHit, IndexQuery, VectorIndex } from './vector-index-port.ts';

interface Version {
  readonly version: number;
  readonly vector: readonly number[];
}

const AT = { shard: 0, generation: 1 };
const SCHEMA = {
  id: 1,
  name: 'default',
  dimension: 2,
  metric: 'euclidean' as const,
  m: 16,
  ...NO_PAYLOAD_INDEXES,
  binaryQuantization: false,
};
const key = (id: number): Buffer => parsePointId(id).key;
const bytesOf = (vector: readonly number[]): Buffer => Buffer.from(new Float32Array(vector).buffer);

/** A node whose index believes `indexed` while the store has `stored`, both by id. */
async function search(o: {
  readonly indexed: ReadonlyMap<number, Version>;
  readonly stored: ReadonlyMap<number, Version>;
  readonly query: Partial<SearchQuery>;
  readonly asIndex?: (index: VectorIndex) => VectorIndex;
}): Promise<string[]> {
  const [kv, indexes] = [new MemoryKv('data'), new NaiveIndexes()];
  const rows = new WriteBatch();
  for (const [id, { version, vector }] of o.stored) {
    const point = { id: parsePointId(id), vector: bytesOf(vector), payload: Buffer.from('{}') };
    rows.put(pointKey({ ...AT, collection: 1, idKey: key(id) }), encodePointValue(point, version));
  }
  await kv.write(rows, { sync: false });
  const naive = indexes.create({ ...SCHEMA, efConstruction: 1 });
  const slots = indexes.batch();
  for (const [id, { version, vector }] of o.indexed)
    slots.upsert({ ...AT, id: key(id), isInteger: true, version, vector: bytesOf(vector) });
  await naive.apply(slots);
  const index = new CollectionIndex({
    schema: SCHEMA,
    index: o.asIndex?.(naive) ?? naive,
    indexes,
    store: new PointStore(kv),
    clock: systemClock,
    coverage: new Map(),
  });
  const context = {
    index,
    indexes,
    store: new PointStore(kv),
    slices: new SliceCache(new Map([[0, newShardState(AT)]])),
    clock: systemClock,
    scans: new SerialLock(),
    settled: () => Promise.resolve(),
  };
  const found = await searchNode(context, {
    collection: 1,
    query: new Float32Array([0, 0]),
    k: 3,
    ef: 3,
    exact: true,
    shards: [0],
    withPayload: true,
    withVector: false,
    ...o.query,
  });
  return found.map(({ idKey, version, score }) => `${String(idKey[8])}@${String(version)}:${String(score)}`);
}

const at = (version: number, x: number): Version => ({ version, vector: [x, 0] });

test('a point that was deleted in the meantime is not answered; the next one takes its place', async () => {
  const indexed = new Map([1, 2, 3, 4, 5].map((id) => [id, at(1, id)]));
  const stored = new Map([...indexed].filter(([id]) => id !== 2));
  expect(await search({ indexed, stored, query: {} })).toEqual(['1@1:1', '3@1:3', '4@1:4']);
});

test('without payloads the hits are answered as the index has them: a state that was applied', async () => {
  const indexed = new Map([1, 2, 3, 4, 5].map((id) => [id, at(1, id)]));
  const stored = new Map([...indexed, [1, at(9, 4.5)]]);
  const found = await search({ indexed, stored, query: { withPayload: false } });
  expect(found).toEqual(['1@1:1', '2@1:2', '3@1:3']);
});

test('a point that was replaced in the meantime is ranked by its new vector', async () => {
  const indexed = new Map([1, 2, 3, 4, 5].map((id) => [id, at(1, id)]));
  const stored = new Map([...indexed, [1, at(9, 4.5)], [3, at(8, 0.5)]]);
  expect(await search({ indexed, stored, query: {} })).toEqual(['3@8:0.5', '2@1:2', '4@1:4']);
});

test('a point whose old and new slots are both answered counts once', async () => {
  const indexed = new Map([1, 2, 3, 4, 5].map((id) => [id, at(2, id)]));
  const withOldSlot = (index: VectorIndex): VectorIndex => ({
    ...methodsOf(index),
    search: async (query: IndexQuery): Promise<IndexHit[]> => {
      const old: IndexHit = { ...AT, id: key(4), isInteger: true, version: 1, score: 0 };
      return [old, ...(await index.search(query))].slice(0, query.k);
    },
  });
  expect(await search({ indexed, stored: indexed, query: {}, asIndex: withOldSlot })).toEqual([
    '1@2:1',
    '2@2:2',
    '3@2:3',
  ]);
});

test('the search is repeated a bounded number of times and then answers what is current', async () => {
  const indexed = new Map(Array.from({ length: 2000 }, (_, n) => [n % 256, at(1, n % 256)]));
  const stored = new Map([...indexed].map(([id]) => [id, at(2, 1000 - id)]));
  let searches = 0;
  const counting = (index: VectorIndex): VectorIndex => ({
    ...methodsOf(index),
    search: (query: IndexQuery) => {
      searches += 1;
      return index.search(query);
    },
  });
  const found = await search({ indexed, stored, query: { k: 1 }, asIndex: counting });
  expect(found[0]).toMatch(/@2:/);
  expect(searches).toBe(4);
});

test('the vectors asked with are scored exactly as the oracle scores them', async () => {
  const indexed = new Map([1, 2, 3].map((id) => [id, at(1, id)]));
  const found = await search({ indexed, stored: indexed, query: { query: new Float32Array([0.1, 0.7]) } });
  const scores = [1, 2, 3].map((x) =>
    plainScore('euclidean', new Float32Array([0.1, 0.7]), new Float32Array([x, 0])),
  );
  expect(found).toEqual([1, 2, 3].map((id, n) => `${String(id)}@1:${String(scores[n])}`));
});

test('however the index and the store differ, only current versions are answered, in their true order', async () => {
  const id = fc.nat(15);
  const version = fc.record({
    version: fc.integer({ min: 1, max: 3 }),
    vector: fc.tuple(fc.nat(5), fc.nat(5)),
  });
  const points = fc
    .array(fc.tuple(id, version), { maxLength: 16 })
    .map((some) => new Map<number, Version>(some));
  await fc.assert(
    fc.asyncProperty(points, points, fc.integer({ min: 1, max: 8 }), async (indexed, stored, k) => {
      // The same version is the same vector: versions are log indexes.
      const consistent = new Map(
        [...stored].map(([known, value]) => {
          const other = indexed.get(known);
          return [known, other?.version === value.version ? other : value] as const;
        }),
      );
      const truth = [...consistent]
        .filter(([known]) => indexed.has(known))
        .map(([known, value]) => {
          const score = plainScore('euclidean', new Float32Array(2), new Float32Array(value.vector));
          const text = `${String(known)}@${String(value.version)}:${String(score)}`;
          return { known, text, score, isUnchanged: indexed.get(known)?.version === value.version };
        })
        .sort((a, b) => a.score - b.score || a.known - b.known);
      const found = await search({ indexed, stored: consistent, query: { k } });
      const ranks = found.map((text) => truth.findIndex((one) => one.text === text));
      // Current versions only, each once, in their true order, and as many as there are.
      expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
      expect(ranks).not.toContain(-1);
      expect(found.length).toBe(Math.min(k, truth.length));
      // Nothing is missing but what is being replaced right now by something better.
      const missing = truth.slice(0, ranks.at(-1)).filter(({ text }) => !found.includes(text));
      expect(missing.filter(({ isUnchanged }) => isUnchanged)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

/** The index as an object whose methods can be replaced one by one. */
function methodsOf(index: VectorIndex): VectorIndex {
  return {
    apply: (batch) => index.apply(batch),
    search: (query) => index.search(query),
    sampleRecall: (sample) => index.sampleRecall(sample),
    fieldCounts: (field, shards) => index.fieldCounts(field, shards),
    stats: () => index.stats(),
    save: (path, tag) => index.save(path, tag),
    close: () => index.close(),
  };
}
