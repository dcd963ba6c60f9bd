import { seededRandom } from '../base/index.ts';
import { exactScore, IndexBatch, type IndexMetric, VectorIndex } from './index.ts';
import { fill, idsOf, linkedAll, recall, shardZero } from './testing/index-fixtures.ts';
import { clusteredVectors } from './testing/vectors.ts';

const METRICS: readonly IndexMetric[] = ['cosine', 'dot', 'euclidean'];
const exact = { k: 10, ef: 100, exact: true, shards: shardZero };
const approximate = { ...exact, exact: false };

let indexes: VectorIndex[] = [];
function create(dimension: number, metric: IndexMetric, binaryQuantization = true): VectorIndex {
  const index = VectorIndex.create({ dimension, metric, m: 16, efConstruction: 100, binaryQuantization });
  indexes.push(index);
  return index;
}

afterEach(async () => {
  await Promise.all(indexes.map((index) => index.close()));
  indexes = [];
});

test.each(METRICS)('one bit per value finds the nearest, with exact scores (%s)', async (metric) => {
  const dimension = 96;
  const vectors = clusteredVectors({ count: 3_050, dimension, clusters: 100, seed: 7 });
  const queries = vectors.splice(3_000);
  const index = create(dimension, metric);
  await fill(index, vectors);
  const truth = await index.searchBatch({ ...exact, queries });
  // So few candidates that a walk through the graph is cheaper than a scan.
  const few = { ...approximate, ef: 60 };
  expect(recall(await index.searchBatch({ ...few, queries }), truth)).toBeGreaterThan(0.95);
  await linkedAll(index);
  const found = await index.searchBatch({ ...few, queries });
  expect(recall(found, truth)).toBeGreaterThan(0.95);
  for (const [i, hits] of found.entries()) {
    for (const { id, score } of hits) {
      expect(score).toBe(exactScore(metric, queries[i]!, vectors[Number(id.toString())]!));
    }
  }
});

test('values of a few outlying dimensions do not drown the others', async () => {
  const dimension = 100;
  const vectors = clusteredVectors({ count: 3_050, dimension, clusters: 100, seed: 8 });
  for (const vector of vectors) {
    for (const at of [3, 40, 77]) vector[at]! *= 20;
  }
  const queries = vectors.splice(3_000);
  const index = create(dimension, 'euclidean');
  await fill(index, vectors);
  await linkedAll(index);
  const truth = await index.searchBatch({ ...exact, queries });
  // Without the rotation it is 0.57.
  const found = await index.searchBatch({ ...approximate, ef: 40, queries });
  expect(recall(found, truth)).toBeGreaterThan(0.95);
});

test('vectors of any size and of zeros are found', async () => {
  for (const dimension of [1, 2, 511, 512, 513, 4_096]) {
    for (const metric of METRICS) {
      const index = create(dimension, metric);
      const values = [0, -0, 1e-45, 1e-20, 1, -1, 1e20, -3.4e38, 3.4e38];
      await fill(
        index,
        values.map((value) => new Float32Array(dimension).fill(value)),
      );
      await linkedAll(index);
      for (const value of values) {
        const query = new Float32Array(dimension).fill(value);
        const hits = await index.search({ ...approximate, query });
        expect(hits).toEqual(await index.search({ ...exact, query }));
        expect(hits).toHaveLength(values.length);
      }
    }
  }
});

test('removed points never come back, and many equal vectors hide neither each other nor the others', async () => {
  const dimension = 8;
  const index = create(dimension, 'euclidean');
  const others = clusteredVectors({ count: 3_000, dimension, clusters: 50, seed: 4 });
  const same = others.pop()!;
  // Equal and other vectors by turns.
  await fill(
    index,
    others.flatMap((vector) => [vector, same]),
  );
  await linkedAll(index);
  const queries = others.slice(0, 100);
  const few = { ...approximate, ef: 40 };
  const truth = await index.searchBatch({ ...exact, queries });
  expect(recall(await index.searchBatch({ ...few, queries }), truth)).toBeGreaterThan(0.95);
  const batch = new IndexBatch();
  for (let i = 1; i < 2 * others.length; i += 2) {
    if (i !== 3_777) batch.remove({ shard: 0, generation: 1, version: 1, id: Buffer.from(String(i)) });
  }
  await index.apply(batch);
  expect(idsOf(await index.search({ ...few, k: 1, query: same }))).toEqual(['3777']);
});

test('near copies, whose bits are mostly the same, do not hide the others', async () => {
  const dimension = 64;
  const centres = clusteredVectors({ count: 100, dimension, clusters: 100, seed: 5 });
  const random = seededRandom(6);
  const nearly = (vector: Float32Array): Float32Array => vector.map((value) => value + random.next() * 1e-4);
  const index = create(dimension, 'cosine');
  await fill(
    index,
    Array.from({ length: 4_000 }, (_, i) => nearly(centres[i % 100]!)),
  );
  await linkedAll(index);
  const hits = await index.searchBatch({ ...approximate, queries: centres });
  const right = hits.filter(([best], i) => Number(best?.id.toString()) % 100 === i);
  // 88 when each of them is linked.
  expect(right.length).toBeGreaterThan(96);
});

test('at 768 dimensions a vector costs 640 bytes less than with eight bits per value', async () => {
  const vectors = clusteredVectors({ count: 300, dimension: 768, clusters: 10, seed: 9 });
  const bytes = await Promise.all(
    [false, true].map(async (binaryQuantization) => {
      const index = create(768, 'cosine', binaryQuantization);
      await fill(index, vectors);
      await linkedAll(index);
      return index.stats().bytes;
    }),
  );
  expect((bytes[0]! - bytes[1]!) / vectors.length).toBe(640);
});
