import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IndexBatch, VectorIndex, type VectorIndexOptions } from './index.ts';
import { clusteredVectors } from './testing/vectors.ts';
import { fill, idsOf, linkedAll, shardZero } from './testing/index-fixtures.ts';

const dimension = 12;
const options: VectorIndexOptions = {
  dimension,
  metric: 'cosine',
  m: 8,
  efConstruction: 40,
  binaryQuantization: false,
};
const vectors = clusteredVectors({ count: 5_000, dimension, clusters: 40, seed: 11 });
const search = { k: 10, ef: 40, exact: false, shards: shardZero };
const tag = Buffer.from([0, 1, 254, 255]);

let directory: string;
let path: string;
let index: VectorIndex;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-index-'));
  path = join(directory, 'index');
  index = VectorIndex.create(options);
});

afterEach(async () => {
  await index.close();
  await rm(directory, { recursive: true });
});

async function reload(): Promise<VectorIndex> {
  await index.close();
  const loaded = await VectorIndex.load(path);
  index = loaded.index;
  return index;
}

test.each([false, true])('a loaded index is as the saved one was (binary %s)', async (binaryQuantization) => {
  const index = VectorIndex.create({ ...options, binaryQuantization });
  // Some points with equal vectors among them.
  await fill(index, [...vectors, ...vectors.slice(0, 100), ...vectors.slice(50, 100)]);
  await linkedAll(index);
  const queries = vectors.slice(0, 200);
  const before = await index.searchBatch({ ...search, queries });
  await index.save(path, tag);
  const loaded = await VectorIndex.load(path);
  expect(loaded.tag).toEqual(tag);
  expect(loaded.index.options).toEqual({ ...options, binaryQuantization });
  expect(loaded.index.stats()).toMatchObject({ slots: 5150, live: 5150, linked: 5150 });
  expect(await loaded.index.searchBatch({ ...search, queries })).toEqual(before);
  expect(await readdir(directory)).toEqual(['index']);
  await loaded.index.close();
  await index.close();
});

test('a loaded index takes changes and links on', async () => {
  await fill(index, vectors.slice(0, 4_000));
  await linkedAll(index);
  const batch = new IndexBatch();
  for (const [i, vector] of vectors.slice(4_000).entries()) {
    batch.upsert({ shard: 0, generation: 1, version: 2, id: Buffer.from(String(4_000 + i)), vector });
    batch.remove({ shard: 0, generation: 1, version: 2, id: Buffer.from(String(i)) });
  }
  await index.apply(batch);
  await index.save(path, tag);
  await reload();
  expect(index.stats()).toMatchObject({ slots: 5000, live: 4000, dead: 1000 });
  const more = new IndexBatch();
  more.upsert({
    shard: 0,
    generation: 1,
    version: 1,
    id: Buffer.from('4999'),
    vector: new Float32Array(12).fill(1),
  });
  more.upsert({ shard: 0, generation: 1, version: 3, id: Buffer.from('new'), vector: vectors[0]! });
  await index.apply(more);
  await linkedAll(index);
  expect(index.stats()).toMatchObject({ slots: 5001, live: 4001 });
  expect(idsOf(await index.search({ ...search, k: 1, query: vectors[0]! }))).toEqual(['new']);
});

test('an empty index is saved and loaded', async () => {
  await index.save(path, Buffer.alloc(0));
  const empty = await reload();
  expect(empty.stats()).toMatchObject({ slots: 0, live: 0 });
  expect(await empty.search({ ...search, query: vectors[0]! })).toEqual([]);
  await fill(empty, vectors.slice(0, 10));
  expect(await empty.search({ ...search, query: vectors[0]! })).toHaveLength(10);
});

test('what is applied during a save is in the file as whole batches or not at all', async () => {
  await fill(index, vectors);
  const saved = index.save(path, tag);
  const applied: Promise<void>[] = [];
  for (let i = 0; i < 100; i += 1) {
    const batch = new IndexBatch();
    for (const shard of [1, 2]) {
      batch.upsert({ shard, generation: 1, version: 1, id: Buffer.from(String(i)), vector: vectors[i]! });
    }
    applied.push(index.apply(batch));
  }
  await Promise.all([saved, ...applied]);
  const { index: loaded } = await VectorIndex.load(path);
  const all = { ...search, k: 10_000, exact: true, query: vectors[0]! };
  expect(await loaded.search(all)).toHaveLength(5_000);
  const [one, two] = await Promise.all(
    [1, 2].map((shard) => loaded.search({ ...all, shards: [{ shard, generation: 1 }] })),
  );
  expect(idsOf(one!)).toEqual(idsOf(two!));
  await loaded.close();
});

test('saves to one path at the same time leave one whole file', async () => {
  await fill(index, vectors.slice(0, 500));
  await Promise.all([0, 1, 2, 3].map((i) => index.save(path, Buffer.from([i]))));
  expect((await reload()).stats()).toMatchObject({ live: 500 });
  expect(await readdir(directory)).toEqual(['index']);
});

describe('a file', () => {
  async function small(): Promise<Buffer> {
    await fill(index, vectors.slice(0, 300));
    await linkedAll(index);
    await index.save(path, tag);
    return readFile(path);
  }

  test('with one changed byte anywhere is INDEX_DAMAGED', async () => {
    const file = await small();
    for (let at = 0; at < file.length; at += at < 300 || at > 4000 ? 53 : 1000) {
      const changed = Buffer.from(file);
      changed[at]! ^= 1 << (at % 8);
      await writeFile(path, changed);
      await expect(VectorIndex.load(path)).rejects.toMatchObject({
        name: 'VectorIndexError',
        code: 'INDEX_DAMAGED',
      });
    }
  });

  test('cut short or with more behind its end is INDEX_DAMAGED', async () => {
    const file = await small();
    for (const bytes of [0, 1, 4095, 4096, file.length - 1]) {
      await writeFile(path, file.subarray(0, bytes));
      await expect(VectorIndex.load(path)).rejects.toMatchObject({ code: 'INDEX_DAMAGED' });
    }
    await writeFile(path, Buffer.concat([file, Buffer.alloc(64)]));
    await expect(VectorIndex.load(path)).rejects.toMatchObject({ code: 'INDEX_DAMAGED' });
  });

  test('that is missing, or cannot be written, has a code of its own', async () => {
    await expect(VectorIndex.load(path)).rejects.toMatchObject({ code: 'INDEX_NOT_FOUND' });
    await expect(VectorIndex.load(directory)).rejects.toMatchObject({ code: 'INDEX_IO_ERROR' });
    const nowhere = join(directory, 'missing', 'index');
    await expect(index.save(nowhere, tag)).rejects.toMatchObject({ code: 'INDEX_IO_ERROR' });
  });

  test('is left as it was when a save fails', async () => {
    const file = await small();
    // A directory in the place of the file cannot be replaced by a rename.
    const blocked = join(directory, 'blocked');
    await mkdir(join(blocked, 'x'), { recursive: true });
    await expect(index.save(blocked, tag)).rejects.toMatchObject({ code: 'INDEX_IO_ERROR' });
    expect((await readdir(directory)).sort()).toEqual(['blocked', 'index']);
    expect(await readFile(path)).toEqual(file);
  });
});
