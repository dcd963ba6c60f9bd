import fc from 'fast-check';
import {
  exactScore,
  IndexBatch,
  type IndexMetric,
  type SlotAddress,
  VectorIndex,
  type VectorIndexOptions,
} from './index.ts';
import { clusteredVectors } from './testing/vectors.ts';
import { fill, idsOf, linkedAll, recall, shardZero } from './testing/index-fixtures.ts';
import { NaiveIndex } from './testing/naive-index.ts';

const METRICS: readonly IndexMetric[] = ['cosine', 'dot', 'euclidean'];
const options: VectorIndexOptions = {
  dimension: 2,
  metric: 'euclidean',
  m: 16,
  efConstruction: 100,
  binaryQuantization: false,
};
const at = (...values: number[]): Float32Array => Float32Array.from(values);
const id = (name: string): Buffer => Buffer.from(name);
const exact = { k: 10, ef: 100, exact: true, shards: shardZero };
const approximate = { ...exact, exact: false };

let indexes: VectorIndex[] = [];
function create(changed: Partial<VectorIndexOptions> = {}): VectorIndex {
  const index = VectorIndex.create({ ...options, ...changed });
  indexes.push(index);
  return index;
}

afterEach(async () => {
  await Promise.all(indexes.map((index) => index.close()));
  indexes = [];
});

async function upsert(
  index: VectorIndex,
  name: string,
  vector: Float32Array,
  address: Partial<SlotAddress> = {},
): Promise<void> {
  const batch = new IndexBatch();
  batch.upsert({ shard: 0, generation: 1, version: 1, id: id(name), vector, ...address });
  await index.apply(batch);
}

async function remove(index: VectorIndex, name: string, address: Partial<SlotAddress> = {}): Promise<void> {
  const batch = new IndexBatch();
  batch.remove({ shard: 0, generation: 1, version: 1, id: id(name), ...address });
  await index.apply(batch);
}

describe('changes', () => {
  test('an applied point is found with its shard, generation, version and score', async () => {
    const index = create();
    const address = { shard: 65_535, generation: 4_294_967_295, version: Number.MAX_SAFE_INTEGER };
    await upsert(index, 'a', at(3, 4), address);
    const shards = [{ shard: 65_535, generation: 4_294_967_295 }];
    const found = [{ ...address, id: id('a'), isInteger: false, score: 5 }];
    expect(await index.search({ ...exact, query: at(0, 0), shards })).toEqual(found);
    expect(await index.search({ ...approximate, query: at(0, 0), shards })).toEqual(found);
  });

  test('a higher version replaces a point, a lower one changes nothing', async () => {
    const index = create();
    await upsert(index, 'a', at(1, 0), { version: 5 });
    await upsert(index, 'a', at(2, 0), { version: 6 });
    await upsert(index, 'a', at(3, 0), { version: 4 });
    const hits = await index.search({ ...exact, query: at(0, 0) });
    expect(hits).toMatchObject([{ version: 6, score: 2 }]);
    expect(index.stats()).toMatchObject({ slots: 2, live: 1, dead: 1 });
  });

  test('the same version again replaces another vector', async () => {
    const index = create();
    await upsert(index, 'a', at(1, 0));
    await upsert(index, 'a', at(2, 0));
    expect(await index.search({ ...exact, query: at(0, 0) })).toMatchObject([{ score: 2 }]);
  });

  test('a newer version with the same vector costs no slot', async () => {
    const index = create();
    for (const version of [1, 1, 3, 2]) await upsert(index, 'a', at(1, 0), { version });
    expect(index.stats()).toMatchObject({ slots: 1, live: 1 });
    expect(await index.search({ ...exact, query: at(0, 0) })).toMatchObject([{ version: 3 }]);
    await upsert(index, 'a', at(1, 0), { generation: 2, version: 3 });
    expect(await index.search({ ...exact, query: at(0, 0) })).toEqual([]);
  });

  test('a removal takes a point away unless the point is newer', async () => {
    const index = create();
    await upsert(index, 'a', at(1, 0), { version: 5 });
    await remove(index, 'a', { version: 4 });
    expect(idsOf(await index.search({ ...exact, query: at(0, 0) }))).toEqual(['a']);
    await remove(index, 'a', { version: 5 });
    expect(await index.search({ ...exact, query: at(0, 0) })).toEqual([]);
    await remove(index, 'a', { version: 6 });
    expect(index.stats()).toMatchObject({ slots: 1, live: 0, dead: 1 });
  });

  test('another generation of a shard replaces a point whatever its version', async () => {
    const index = create();
    await upsert(index, 'a', at(1, 0), { generation: 1, version: 9 });
    await upsert(index, 'a', at(2, 0), { generation: 2, version: 3 });
    expect(await index.search({ ...exact, query: at(0, 0) })).toEqual([]);
    const shards = [{ shard: 0, generation: 2 }];
    expect(await index.search({ ...exact, query: at(0, 0), shards })).toMatchObject([{ version: 3 }]);
  });

  test('the same id is another point in another shard', async () => {
    const index = create();
    await upsert(index, 'a', at(1, 0), { shard: 0 });
    await upsert(index, 'a', at(2, 0), { shard: 1 });
    const both = [...shardZero, { shard: 1, generation: 1 }];
    expect(await index.search({ ...exact, query: at(0, 0), shards: both })).toMatchObject([
      { shard: 0, score: 1 },
      { shard: 1, score: 2 },
    ]);
  });

  test('dropping a shard removes its points of all generations and no others', async () => {
    const index = create();
    await upsert(index, 'a', at(1, 0), { shard: 1, generation: 1 });
    await upsert(index, 'b', at(2, 0), { shard: 1, generation: 2 });
    await upsert(index, 'c', at(3, 0), { shard: 2 });
    const batch = new IndexBatch();
    batch.dropShard(1);
    batch.upsert({ shard: 1, generation: 2, version: 1, id: id('d'), vector: at(4, 0) });
    await index.apply(batch);
    const shards = [1, 2].flatMap((shard) => [1, 2].map((generation) => ({ shard, generation })));
    expect(idsOf(await index.search({ ...exact, query: at(0, 0), shards }))).toEqual(['c', 'd']);
  });

  test('batches take effect in the order of the calls', async () => {
    const index = create();
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        i % 2 === 0 ? upsert(index, 'a', at(i, 0)) : remove(index, 'a', { version: 1 }),
      ),
    );
    expect(await index.search({ ...exact, query: at(0, 0) })).toEqual([]);
    await Promise.all(Array.from({ length: 200 }, (_, i) => upsert(index, 'a', at(i, 0))));
    expect(await index.search({ ...exact, query: at(0, 0) })).toMatchObject([{ score: 199 }]);
  });

  test('a batch may be added to and applied again while it is being applied', async () => {
    const index = create();
    const batch = new IndexBatch();
    const applied: Promise<void>[] = [];
    for (let i = 0; i < 100; i += 1) {
      batch.upsert({ shard: 0, generation: 1, version: 1, id: id(String(i)), vector: at(i, 0) });
      applied.push(index.apply(batch));
    }
    expect(batch.count).toBe(100);
    await Promise.all(applied);
    const hits = await index.search({ ...exact, k: 200, query: at(0, 0) });
    expect(hits.map(({ score }) => score)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('vectors are taken from unaligned buffers', async () => {
    const index = create();
    const bytes = Buffer.alloc(9);
    bytes.writeFloatLE(3, 1);
    bytes.writeFloatLE(4, 5);
    const batch = new IndexBatch();
    batch.upsert({ shard: 0, generation: 1, version: 1, id: id('a'), vector: bytes.subarray(1) });
    await index.apply(batch);
    expect(await index.search({ ...exact, query: at(0, 0) })).toMatchObject([{ score: 5 }]);
  });

  test('a batch with one number that is not finite is refused as a whole', async () => {
    const index = create();
    for (const broken of [NaN, Infinity, -Infinity]) {
      const batch = new IndexBatch();
      batch.upsert({ shard: 0, generation: 1, version: 1, id: id('a'), vector: at(1, 2) });
      batch.upsert({ shard: 0, generation: 1, version: 1, id: id('b'), vector: at(broken, 2) });
      await expect(index.apply(batch)).rejects.toMatchObject({ code: 'INDEX_INVALID_ARGUMENT' });
      await expect(index.search({ ...exact, query: at(broken, 0) })).rejects.toMatchObject({
        code: 'INDEX_INVALID_ARGUMENT',
      });
    }
    expect(index.stats()).toMatchObject({ slots: 0 });
  });

  test('vectors and queries of another dimension are refused', async () => {
    const index = create();
    await expect(upsert(index, 'a', at(1))).rejects.toMatchObject({ code: 'INDEX_INVALID_ARGUMENT' });
    await expect(index.search({ ...exact, query: at(1, 2, 3) })).rejects.toThrow('has the dimension');
    expect(() => create({ dimension: 4097 })).toThrow('out of range');
    expect(() => create({ dimension: 0 })).toThrow('out of range');
  });
});

describe('results', () => {
  test('equal scores come in the order of the id bytes, the shorter first', async () => {
    const index = create();
    const names = ['b', 'a', 'ab', 'aa', '\x7f', 'é', ''];
    for (const name of names) await upsert(index, name, at(1, 1));
    const ordered = names.map(id).sort((a, b) => Buffer.compare(a, b));
    for (const search of [exact, approximate]) {
      const hits = await index.search({ ...search, query: at(0, 0) });
      expect(hits.map((hit) => hit.id)).toEqual(ordered);
      const first = await index.search({ ...search, k: 3, ef: 3, query: at(0, 0) });
      if (search.exact) expect(first.map((hit) => hit.id)).toEqual(ordered.slice(0, 3));
    }
  });

  test('k may exceed ef and the number of points', async () => {
    const index = create();
    await fill(index, clusteredVectors({ count: 300, dimension: 2, clusters: 5, seed: 1 }));
    for (const k of [1, 299, 300, 10_000]) {
      const hits = await index.search({ ...approximate, k, ef: 1, query: at(0, 0) });
      expect(hits).toHaveLength(Math.min(k, 300));
    }
    expect(await index.search({ ...exact, query: at(0, 0), shards: [] })).toEqual([]);
    expect(await index.searchBatch({ ...exact, queries: [] })).toEqual([]);
  });

  test.each(METRICS)('an exact search equals the naive one after any changes (%s)', async (metric) => {
    const number = fc.oneof(
      fc.constantFrom(0, 1, -1, 0.5),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ min: -1, max: 1, noNaN: true }),
    );
    const address = fc.record({
      shard: fc.integer({ min: 0, max: 2 }),
      generation: fc.integer({ min: 1, max: 2 }),
      version: fc.integer({ min: 0, max: 5 }),
      name: fc.constantFrom('a', 'b', 'c', 'aa', 'd'),
    });
    const property = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.boolean())
      .chain(([dimension, isBinary]) => {
        const vector = fc.array(number, { minLength: dimension, maxLength: dimension });
        const change = fc.record({
          address,
          vector: fc.option(vector),
          dropShard: fc.integer({ max: 40, min: 0 }),
        });
        return fc.tuple(
          fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 6 }),
          vector,
          fc.constant(isBinary),
        );
      });
    await fc.assert(
      fc.asyncProperty(property, async ([batches, query, binaryQuantization]) => {
        const graph = { m: 4, efConstruction: 10 };
        const index = VectorIndex.create({ dimension: query.length, metric, ...graph, binaryQuantization });
        const naive = new NaiveIndex(metric);
        for (const changes of batches) {
          const batch = new IndexBatch();
          for (const {
            address: { name, ...rest },
            vector,
            dropShard,
          } of changes) {
            const slot = { ...rest, id: id(name) };
            if (dropShard < 3) {
              batch.dropShard(dropShard);
              naive.dropShard(dropShard);
            } else if (vector === null) {
              batch.remove(slot);
              naive.change(slot);
            } else {
              batch.upsert({ ...slot, vector: Float32Array.from(vector) });
              naive.change({ ...slot, vector: Float32Array.from(vector) });
            }
          }
          await index.apply(batch);
        }
        const shards = [0, 1, 2]
          .map((shard) => ({ shard, generation: 1 }))
          .concat({ shard: 1, generation: 2 });
        const search = { k: 4, ef: 20, exact: true, shards, query: Float32Array.from(query) };
        expect(await index.search(search)).toEqual(naive.search(search.query, search));
        expect(index.stats().live).toBe(naive.size);
        // So few points are all candidates.
        expect(await index.search({ ...search, exact: false })).toEqual(naive.search(search.query, search));
        await index.close();
      }),
      { numRuns: 150 },
    );
  });

  test.each(METRICS)(
    'an approximate search has the recall of its ef, while linking and after (%s)',
    async (metric) => {
      const dimension = 32;
      const vectors = clusteredVectors({ count: 8_050, dimension, clusters: 200, seed: 7 });
      const queries = vectors.splice(8_000);
      const index = create({ dimension, metric });
      const applied: Promise<void>[] = [];
      for (let from = 0; from < vectors.length; from += 1000) {
        const batch = new IndexBatch();
        for (const [i, vector] of vectors.slice(from, from + 1000).entries()) {
          const name = id(String(from + i));
          batch.upsert({ shard: i % 4, generation: 1, version: 1, id: name, vector });
        }
        applied.push(index.apply(batch));
      }
      await Promise.all(applied);
      const shards = [0, 1, 2, 3].map((shard) => ({ shard, generation: 1 }));
      const truth = await index.searchBatch({ ...exact, shards, queries });
      expect(recall(await index.searchBatch({ ...approximate, shards, queries }), truth)).toBeGreaterThan(
        0.97,
      );
      await linkedAll(index);
      expect(recall(await index.searchBatch({ ...approximate, shards, queries }), truth)).toBeGreaterThan(
        0.97,
      );
      const half = shards.slice(0, 2);
      const truthOfHalf = await index.searchBatch({ ...exact, shards: half, queries });
      const foundOfHalf = await index.searchBatch({ ...approximate, shards: half, queries });
      expect(recall(foundOfHalf, truthOfHalf)).toBeGreaterThan(0.97);
      const score = ({ id: name }: { id: Buffer }, query: Float32Array): number =>
        exactScore(metric, query, vectors[Number(name.toString())] ?? at());
      for (const [i, hits] of truth.entries()) {
        for (const hit of hits) expect(hit.score).toBe(score(hit, queries[i] ?? at()));
      }
    },
  );

  test('replaced and removed points never come back from the graph', async () => {
    const dimension = 8;
    const index = create({ dimension });
    const vectors = clusteredVectors({ count: 6_000, dimension, clusters: 50, seed: 3 });
    await fill(index, vectors);
    await linkedAll(index);
    const batch = new IndexBatch();
    for (let i = 0; i < 6_000; i += 2) {
      batch.remove({ shard: 0, generation: 1, version: 1, id: id(String(i)) });
    }
    await index.apply(batch);
    for (const query of vectors.slice(0, 100)) {
      // So few candidates that a walk through the graph is cheaper than a scan.
      const hits = await index.search({ ...approximate, ef: 20, query });
      expect(hits).toHaveLength(10);
      expect(hits.every(({ id: name }) => Number(name.toString()) % 2 === 1)).toBe(true);
    }
  });

  test('many equal vectors hide neither each other nor the others', async () => {
    const dimension = 8;
    const index = create({ dimension });
    const others = clusteredVectors({ count: 6_000, dimension, clusters: 50, seed: 4 });
    const same = others.pop() ?? at();
    // Equal and other vectors by turns.
    await fill(
      index,
      others.flatMap((vector) => [vector, same]),
    );
    await linkedAll(index);
    const queries = others.slice(0, 100);
    const few = { ...approximate, ef: 20 };
    const truth = await index.searchBatch({ ...exact, queries });
    expect(recall(await index.searchBatch({ ...few, queries }), truth)).toBeGreaterThan(0.95);
    const batch = new IndexBatch();
    for (let i = 1; i < 2 * others.length; i += 2) {
      const change = { shard: 0, generation: 1, version: 1, id: id(String(i)) };
      if (i !== 7_777) batch.remove(change);
    }
    await index.apply(batch);
    expect(idsOf(await index.search({ ...few, k: 1, query: same }))).toEqual(['7777']);
  });

  test('the score is summed in 16 lanes with fused multiply-add', () => {
    // In lane 0 the product 2^24 + 1 survives only because it is not rounded before it is added.
    const a = at(-(2 ** 24), ...Array<number>(15).fill(0), 4097);
    const b = at(1, ...Array<number>(15).fill(0), 4095.000244140625);
    const product = 4097 * 4095.000244140625;
    expect(exactScore('dot', a, b)).toBe(Math.fround(product - 2 ** 24));
    expect(Math.fround(Math.fround(product) - 2 ** 24)).not.toBe(Math.fround(product - 2 ** 24));
    // Lanes 0 and 8 meet first: one after the other these would add up to 1.
    const c = at(2 ** 25, 1, 0, 0, 0, 0, 0, 0, -(2 ** 25), 0, 0, 0, 0, 0, 0, 0);
    expect(exactScore('dot', c, new Float32Array(16).fill(1))).toBe(1);
    const d = at(2 ** 25, -(2 ** 25), 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    expect(exactScore('dot', d, new Float32Array(16).fill(1))).toBe(0);
  });

  test('denormal numbers count', () => {
    expect(exactScore('dot', at(1e-20), at(1e-20))).toBe(Math.fround(1e-40));
    expect(exactScore('euclidean', at(2 ** -149), at(0))).toBe(0);
    expect(exactScore('euclidean', at(2 ** -70), at(0))).toBe(2 ** -70);
  });
});
