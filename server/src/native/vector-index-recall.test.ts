import { VectorIndex } from './index.ts';
import { fill, idsOf, linkedAll, shardZero } from './testing/index-fixtures.ts';
import { clusteredVectors } from './testing/vectors.ts';

const DIMENSION = 48;
const K = 10;
const EFS = [10, 20, 40];
const SHARED = { k: K, efs: EFS, shards: shardZero, seed: 1 };

let index: VectorIndex;
const vectors = clusteredVectors({ count: 6_040, dimension: DIMENSION, clusters: 60, seed: 3 });
const queries = vectors.splice(6_000);

beforeAll(async () => {
  const options = { dimension: DIMENSION, metric: 'cosine', m: 4, efConstruction: 20 } as const;
  index = VectorIndex.create({ ...options, binaryQuantization: false });
  await fill(index, vectors);
  await linkedAll(index);
});
afterAll(() => index.close());

test('what searches find of the nearest points of queries is counted as one would by hand', async () => {
  const counted = { wanted: 0, found: EFS.map(() => 0) };
  for (const query of queries) {
    const nearest = new Set(
      idsOf(await index.search({ query, k: K, ef: K, exact: true, shards: shardZero })),
    );
    counted.wanted += nearest.size;
    for (const [i, ef] of EFS.entries()) {
      const hits = idsOf(await index.search({ query, k: K, ef, exact: false, shards: shardZero }));
      counted.found[i]! += hits.filter((id) => nearest.has(id)).length;
    }
  }
  const joined = Float32Array.from(queries.flatMap((query) => [...query]));
  expect(await index.sampleRecall({ ...SHARED, queries: joined })).toEqual(counted);
  expect(counted.found[0]).toBeLessThan(counted.found[2]!);
});

test('a point of the graph is searched for as if it were not there', async () => {
  const sampled = await index.sampleRecall({ ...SHARED, queries: 100 });
  expect(sampled.wanted).toBe(100 * K);
  // With the point itself one of ten is found by every search.
  expect(sampled.found[0]! / sampled.wanted).toBeLessThan(0.95);
  expect(sampled.found[2]).toBeGreaterThan(sampled.found[0]!);
  expect(await index.sampleRecall({ ...SHARED, queries: 100 })).toEqual(sampled);
});

test('an index without points, or with one, has nothing to count', async () => {
  const options = { dimension: DIMENSION, metric: 'dot', m: 4, efConstruction: 20 } as const;
  const small = VectorIndex.create({ ...options, binaryQuantization: false });
  expect(await small.sampleRecall({ ...SHARED, queries: 5 })).toEqual({ wanted: 0, found: [0, 0, 0] });
  await fill(small, vectors.slice(0, 1));
  expect(await small.sampleRecall({ ...SHARED, queries: 5 })).toEqual({ wanted: 0, found: [0, 0, 0] });
  await small.close();
});

test('a query of another dimension is refused', async () => {
  await expect(async () => {
    await index.sampleRecall({ ...SHARED, queries: new Float32Array(3) });
  }).rejects.toThrow('another dimension');
});
