import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../base/index.ts';
import { IndexBatch, VectorIndex } from './index.ts';
import { indexAddon } from './vector-index-addon.ts';
import { clusteredVectors } from './testing/vectors.ts';
import { fill, shardZero } from './testing/index-fixtures.ts';

const options = {
  dimension: 16,
  metric: 'cosine',
  m: 16,
  efConstruction: 100,
  binaryQuantization: false,
} as const;
const search = { k: 10, ef: 50, exact: false, shards: shardZero };
const vectors = clusteredVectors({ count: 2_000, dimension: 16, clusters: 20, seed: 9 });
const query = vectors[0] ?? new Float32Array(16);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-index-'));
});

afterEach(() => rm(directory, { recursive: true }));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function turnWithGarbageCollection(): Promise<void> {
  collectGarbage();
  // Finalizers run in turns of the event loop.
  await setImmediate();
}

describe('closing', () => {
  test('waits for the calls under way and refuses later ones', async () => {
    const index = VectorIndex.create(options);
    const calls: Promise<unknown>[] = [fill(index, vectors)];
    for (let i = 0; i < 100; i += 1) calls.push(index.search({ ...search, query }));
    calls.push(index.save(join(directory, 'index'), Buffer.alloc(0)));
    let settled = 0;
    for (const call of calls) void call.finally(() => (settled += 1));
    const closed = Promise.all([index.close(), index.close()]);
    await expect(index.search({ ...search, query })).rejects.toMatchObject({ code: 'INDEX_CLOSED' });
    await expect(index.apply(new IndexBatch())).rejects.toMatchObject({ code: 'INDEX_CLOSED' });
    await expect(index.save('x', Buffer.alloc(0))).rejects.toMatchObject({ code: 'INDEX_CLOSED' });
    expect(() => index.stats()).toThrow('the index is closed');
    await closed;
    // What hangs on the calls runs in the same turn, some microtasks later.
    await setImmediate();
    expect(settled).toBe(calls.length);
    await Promise.all(calls);
    await index.close();
  });
});

describe('the garbage collector', () => {
  test('gives back the memory of indexes that nobody refers to', async () => {
    const many = clusteredVectors({ count: 1_000, dimension: 1_024, clusters: 10, seed: 2 });
    const index = async (): Promise<void> => {
      await fill(VectorIndex.create({ ...options, dimension: 1_024 }), many);
    };
    await index();
    const before = process.memoryUsage.rss();
    // 5 MB each.
    for (let i = 0; i < 80; i += 1) {
      await index();
      await turnWithGarbageCollection();
    }
    const deadline = systemClock.nowMs() + 10_000;
    const grownMb = (): number => (process.memoryUsage.rss() - before) / 1e6;
    while (grownMb() > 150 && systemClock.nowMs() < deadline) await turnWithGarbageCollection();
    expect(grownMb()).toBeLessThan(150);
  });

  test('takes no buffer and no index of a call under way', async () => {
    // The addon itself: the face keeps some of them alive too.
    const addon = indexAddon();
    const calls = (() => {
      const handle = addon.indexCreate(16, 0, 16, 100, false);
      return Array.from({ length: 50 }, async (_, i) => {
        const batch = new IndexBatch();
        const vector = new Float32Array(16).fill(i + 1);
        for (let j = 0; j < 200; j += 1) {
          batch.upsert({
            shard: 0,
            generation: 1,
            version: 1,
            id: Buffer.from(`${String(i)}/${String(j)}`),
            vector,
          });
        }
        await addon.indexApply(handle, Buffer.from(batch.lend()));
        return addon.indexSearch(
          handle,
          new Float32Array(16).fill(1),
          10_000,
          1,
          true,
          Uint32Array.of(0, 1),
          undefined,
        );
      });
    })();
    for (let i = 0; i < 20; i += 1) await turnWithGarbageCollection();
    const counts = (await Promise.all(calls)).map((packed) => packed.readUInt32LE(0));
    expect(Math.max(...counts)).toBe(10_000);
    expect(counts.every((count) => count % 200 === 0)).toBe(true);
  });
});

describe('a process', () => {
  const run = async (
    way: string,
  ): Promise<{ code: number | null; signal: string | null; output: string }> => {
    const script = join(import.meta.dirname, 'testing', 'end-early-index.ts');
    const child = spawn(process.execPath, [script, directory, way], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { code, signal, output };
  };

  test('ends by itself when its calls are done, also while points are being linked', async () => {
    expect(await run('return')).toEqual({ code: 0, signal: null, output: 'settled\n' });
  });

  test('that exits or fails during its calls ends in order', async () => {
    expect(await run('exit')).toEqual({ code: 0, signal: null, output: '' });
    expect(await run('throw')).toMatchObject({ code: 1, signal: null });
  });

  test('goes on when a worker thread with an index is terminated during its calls', async () => {
    expect(await run('worker')).toEqual({ code: 0, signal: null, output: 'settled\n' });
  });
});

test('too many batches at once are refused with INDEX_BUSY, and the others are applied', async () => {
  const index = VectorIndex.create(options);
  const calls = Array.from({ length: 5_000 }, (_, i) => {
    const batch = new IndexBatch();
    batch.upsert({ shard: 0, generation: 1, version: 1, id: Buffer.from(String(i)), vector: query });
    return index.apply(batch);
  });
  const outcomes = await Promise.allSettled(calls);
  const applied = outcomes.filter(({ status }) => status === 'fulfilled').length;
  const refused = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map((outcome) => outcome.reason as Error);
  expect(applied).toBe(4_096);
  expect(refused.every((error) => 'code' in error && error.code === 'INDEX_BUSY')).toBe(true);
  expect(index.stats().live).toBe(applied);
  await index.close();
});
