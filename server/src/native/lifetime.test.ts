import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { kvAddon } from './kv-addon.ts';
import { packKeys } from './packed.ts';
import { configurePool, RocksDb, type RocksDbOptions, WriteBatch } from './index.ts';

const options: RocksDbOptions = {
  profile: 'log',
  cacheBytes: 1 << 20,
  writeBufferBytes: 1 << 20,
  compression: 'lz4',
};
const addonOptions = { ...options, createIfMissing: true, errorIfExists: false, maxOpenFiles: 50 };
const b = (text: string): Buffer => Buffer.from(text);

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-lifetime-'));
  path = join(directory, 'db');
});

afterEach(() => rm(directory, { recursive: true }));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Collects garbage until the condition holds. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    collectGarbage();
    // Finalizers run in turns of the event loop.
    await setImmediate();
    if (await holds()) return;
  }
  throw new Error(`not within 10 s: ${what}`);
}

describe('the garbage collector', () => {
  test('closes a database that nobody refers to', async () => {
    await (async () => {
      const db = await RocksDb.open(path, options);
      await db.write(new WriteBatch().put(b('a'), b('1')), { sync: false });
    })();
    let again: RocksDb | undefined;
    await until('the directory can be opened again', async () => {
      again = await RocksDb.open(path, options).catch(() => undefined);
      return again !== undefined;
    });
    expect(await again?.get(b('a'))).toEqual(b('1'));
    await again?.close();
  });

  test('frees a scan that nobody refers to', async () => {
    const db = await RocksDb.open(path, options);
    await db.write(new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2')), { sync: false });
    await (async () => {
      await db.scan({}).next({ entriesMax: 1, bytesMax: 1 });
    })();
    expect(db.property('rocksdb.num-snapshots')).toBe('1');
    await until('the snapshot is released', () => db.property('rocksdb.num-snapshots') === '0');
    await db.close();
  });

  test('keeps a database whose scan is in use', async () => {
    const scan = await (async () => {
      const db = await RocksDb.open(path, options);
      await db.write(new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2')), { sync: false });
      return db.scan({});
    })();
    for (let i = 0; i < 5; i += 1) {
      collectGarbage();
      await setImmediate();
    }
    expect((await scan.next({ entriesMax: 10, bytesMax: 1 << 20 })).entries).toHaveLength(2);
    await scan.database.close();
  });

  test('takes no buffer and no handle of a call under way', async () => {
    // The addon itself: the face keeps some of them alive too.
    const addon = kvAddon();
    const calls = await (async () => {
      const handle = await addon.kvOpen(path, addonOptions);
      return Array.from({ length: 60 }, (_, i) => {
        const batch = new WriteBatch().put(b(String(i)), Buffer.alloc(200_000, i));
        const written = addon.kvWrite(handle, batch.lend().bytes, i % 8 === 0);
        const read = addon.kvMultiGet(handle, packKeys([Buffer.alloc(60_000, i), Buffer.alloc(60_000, i)]));
        return Promise.all([written, read]);
      });
    })();
    for (let i = 0; i < 10; i += 1) {
      collectGarbage();
      await setImmediate();
    }
    for (const [, values] of await Promise.all(calls)) expect(values).toEqual(Buffer.alloc(8, 255));
    await until('the directory can be opened again', async () => {
      const db = await RocksDb.open(path, options).catch(() => undefined);
      if (db === undefined) return false;
      for (let i = 0; i < 60; i += 1) {
        expect((await db.get(b(String(i))))?.equals(Buffer.alloc(200_000, i))).toBe(true);
      }
      await db.close();
      return true;
    });
  });

  test('leaves what was read alone after the database is closed', async () => {
    const db = await RocksDb.open(path, options);
    await db.write(new WriteBatch().put(b('a'), Buffer.alloc(300_000, 7)), { sync: false });
    await db.flush();
    const [one] = await db.multiGet([b('a')]);
    const { entries } = await db.scan({}).next({ entriesMax: 10, bytesMax: 1 << 20 });
    const two = await db.get(b('a'));
    await db.close();
    collectGarbage();
    for (const value of [one, two, entries[0]?.value])
      expect(value?.equals(Buffer.alloc(300_000, 7))).toBe(true);
  });
});

describe('a process', () => {
  const run = async (
    way: string,
  ): Promise<{ code: number | null; signal: string | null; output: string }> => {
    const script = join(import.meta.dirname, 'testing', 'end-early.ts');
    const child = spawn(process.execPath, [script, path, way], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { code, signal, output };
  };

  test('ends by itself when its calls are done, even with an open database, and not before', async () => {
    expect(await run('return')).toEqual({ code: 0, signal: null, output: 'settled\n' });
  });

  test('that exits during its calls ends in order, and what it had written can be read', async () => {
    expect(await run('exit')).toEqual({ code: 0, signal: null, output: '' });
    expect(await run('throw')).toMatchObject({ code: 1, signal: null });
    const db = await RocksDb.open(path, options);
    await db.close();
  });

  test('closes the databases of a worker thread that is terminated during its calls', async () => {
    expect(await run('worker')).toEqual({ code: 0, signal: null, output: 'settled\n' });
  });
});

test('after a failed write no write that was already waiting is tried', async () => {
  // A limit on the size of files stands for a full disk.
  const script = join(import.meta.dirname, 'testing', 'limited-writer.ts');
  const child = spawn('bash', ['-c', 'ulimit -f 128; exec "$@"', 'bash', process.execPath, script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await once(child, 'close');
  const outcomes = output.trimEnd().split('\n');
  const failedAt = outcomes.indexOf('KV_IO_ERROR');
  expect(outcomes).toHaveLength(200);
  expect(failedAt).toBeGreaterThan(10);
  expect(new Set(outcomes.slice(0, failedAt))).toEqual(new Set(['ok']));
  expect(new Set(outcomes.slice(failedAt + 1))).toEqual(new Set(['KV_POISONED']));

  const db = await RocksDb.open(path, options);
  const found = await db.scan({ keysOnly: true }).next({ entriesMax: 1_000, bytesMax: 1 << 20 });
  expect(found.entries.length).toBeGreaterThanOrEqual(failedAt);
  await db.close();
});

describe('the pool', () => {
  let db: RocksDb;

  beforeEach(async () => {
    db = await RocksDb.open(path, options);
  });

  afterEach(() => db.close());

  test('serves look-ups while long work waits in line', async () => {
    const finished: string[] = [];
    const long = Array.from({ length: 30 }, async (_, i) => {
      await db.checkpoint(join(directory, `checkpoint-${String(i)}`));
      finished.push('long');
    });
    await db.get(b('a'));
    finished.push('short');
    await Promise.all(long);
    expect(finished.at(-1)).toBe('long');
  });

  test('may be made larger and smaller at any time', async () => {
    for (const threads of [1, 8, 2, 16, 1]) {
      const reads = Array.from({ length: 100 }, () => db.get(b('a')));
      configurePool(threads);
      await Promise.all(reads);
    }
    expect(() => configurePool(0)).toThrow('a pool has 1 to 1024 threads');
    expect(() => configurePool(1.5)).toThrow('a pool has 1 to 1024 threads');
  });

  test('refuses what is too much with POOL_FULL and does the rest', async () => {
    // One thread, calls that take it a while, and more of them than a lane holds.
    configurePool(1);
    const keys = packKeys(Array.from({ length: 300 }, (_, i) => b(`missing-${String(i)}`)));
    // The face hides its handle; only with calls as cheap as this the queue fills up.
    const addon = kvAddon();
    const handle = await addon.kvOpen(join(directory, 'other'), addonOptions);
    const calls = Array.from({ length: 20_000 }, () => addon.kvMultiGet(handle, keys));
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(16_384);
    expect(new Set(refused.map(({ reason }) => (reason as { code: string }).code))).toEqual(
      new Set(['POOL_FULL']),
    );
    expect(await db.get(b('a'))).toBeUndefined();
    await addon.kvClose(handle);
  });

  test('refuses writes with KV_BUSY when too many wait, and goes on afterwards', async () => {
    const batch = new WriteBatch().put(b('a'), b('1'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5_000 }, () => db.write(batch, { sync: false })),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(5_000 - 4_096);
    expect(refused[0]?.reason).toMatchObject({ code: 'KV_BUSY', rocksdb: undefined });
    await db.write(batch, { sync: true });
  });

  test('refuses scans with KV_BUSY when too many are open', async () => {
    const scans = Array.from({ length: 4_097 }, () => db.scan({}));
    const last = scans.at(-1)?.next({ entriesMax: 1, bytesMax: 1 });
    await expect(last).rejects.toMatchObject({ code: 'KV_BUSY' });
    await Promise.all(scans.map((scan) => scan.close()));
    expect(db.property('rocksdb.num-snapshots')).toBe('0');
    expect((await db.scan({}).next({ entriesMax: 1, bytesMax: 1 })).done).toBe(true);
  });
});
