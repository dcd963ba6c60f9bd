import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RocksDb, type RocksDbOptions, WriteBatch } from './index.ts';

const options: RocksDbOptions = {
  profile: 'log',
  cacheBytes: 4 << 20,
  writeBufferBytes: 2 << 20,
  compression: 'lz4',
};
const b = (text: string): Buffer => Buffer.from(text);
const everything = { entriesMax: 1_000_000, bytesMax: 1 << 30 };

let directory: string;
let db: RocksDb;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-native-'));
  db = await RocksDb.open(join(directory, 'db'), options);
});

afterEach(async () => {
  await db.close();
  await rm(directory, { recursive: true });
});

async function reopen(changed: Partial<RocksDbOptions> = {}): Promise<void> {
  await db.close();
  db = await RocksDb.open(join(directory, 'db'), { ...options, ...changed });
}

test('a batch is applied in the order of its operations', async () => {
  const batch = new WriteBatch();
  batch.put(b('a'), b('1')).put(b('b'), b('2')).put(b('c'), b('3')).put(b('d'), b('4'));
  batch.deleteRange(b('b'), b('d')).put(b('b'), b('5')).delete(b('a'));
  await db.write(batch, { sync: true });
  expect(await db.multiGet([b('a'), b('b'), b('c'), b('d')])).toEqual([undefined, b('5'), undefined, b('4')]);
});

test('empty keys, empty values and an empty batch are kept apart from missing ones', async () => {
  await db.write(new WriteBatch(), { sync: true });
  await db.write(new WriteBatch().put(b(''), b('root')).put(b('empty'), b('')), { sync: false });
  expect(await db.get(b(''))).toEqual(b('root'));
  expect(await db.get(b('empty'))).toEqual(b(''));
  expect(await db.get(b('missing'))).toBeUndefined();
  expect(await db.multiGet([])).toEqual([]);
});

test('large values come back as they were written', async () => {
  const value = randomBytes(3 << 20);
  await db.write(new WriteBatch().put(b('large'), value), { sync: false });
  expect((await db.get(b('large')))?.equals(value)).toBe(true);
  expect((await db.multiGet([b('large')]))[0]?.equals(value)).toBe(true);
  const { entries } = await db.scan({}).next(everything);
  expect(entries.map((entry) => entry.value.equals(value))).toEqual([true]);
});

test('a batch may be used again while it is being written', async () => {
  const batch = new WriteBatch(16);
  const writes: Promise<void>[] = [];
  for (let i = 0; i < 200; i += 1) {
    batch.clear();
    batch.put(b(`key-${String(i).padStart(3, '0')}`), Buffer.alloc(100, i));
    writes.push(db.write(batch, { sync: i % 50 === 0 }));
    batch.put(b('not written'), b('x'));
  }
  await Promise.all(writes);
  const { entries } = await db.scan({}).next(everything);
  expect(entries).toHaveLength(200);
  for (const [i, { key, value }] of entries.entries()) {
    expect(key.toString()).toBe(`key-${String(i).padStart(3, '0')}`);
    expect(value.equals(Buffer.alloc(100, i))).toBe(true);
  }
});

test('writes of one database complete in the order of their calls', async () => {
  const completed: number[] = [];
  const writes = Array.from({ length: 100 }, async (_, i) => {
    await db.write(new WriteBatch().put(b('last'), b(String(i))), { sync: i % 10 === 0 });
    completed.push(i);
  });
  await Promise.all(writes);
  expect(completed).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(await db.get(b('last'))).toEqual(b('99'));
});

test('a reversed range is refused before anything is written', async () => {
  expect(() => new WriteBatch().deleteRange(b('b'), b('a'))).toThrow('begins before it ends');
  await db.write(new WriteBatch().put(b('a'), b('1')).deleteRange(b('a'), b('a')), { sync: true });
  expect(await db.get(b('a'))).toEqual(b('1'));
});

test('a scan sees every write called before it and none called after it', async () => {
  const writes = [db.write(new WriteBatch().put(b('a'), b('1')), { sync: true })];
  const scan = db.scan({});
  writes.push(db.write(new WriteBatch().put(b('b'), b('2')).delete(b('a')), { sync: false }));
  await Promise.all(writes);
  expect(await scan.next(everything)).toEqual({ entries: [{ key: b('a'), value: b('1') }], done: true });
});

test('chunks end at their limits and continue where they ended', async () => {
  const batch = new WriteBatch();
  for (let i = 0; i < 10; i += 1) batch.put(b(String(i)), Buffer.alloc(100));
  await db.write(batch, { sync: false });
  const scan = db.scan({});
  const keys = async (entriesMax: number, bytesMax: number): Promise<string> => {
    const { entries } = await scan.next({ entriesMax, bytesMax });
    return entries.map(({ key }) => key.toString()).join('');
  };
  expect(await keys(3, 1 << 20)).toBe('012');
  expect(await keys(100, 200)).toBe('34');
  expect(await keys(1, 1)).toBe('5');
  expect(await keys(100, 1 << 20)).toBe('6789');
  expect(await scan.next(everything)).toEqual({ entries: [], done: true });
});

test('one scan cannot be read twice at the same time', async () => {
  await db.write(new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2')), { sync: false });
  const scan = db.scan({});
  await scan.next({ entriesMax: 1, bytesMax: 1 });
  const first = scan.next(everything);
  await expect(scan.next(everything)).rejects.toMatchObject({ code: 'KV_BUSY', rocksdb: undefined });
  expect((await first).entries).toHaveLength(1);
});

test('a checkpoint is a database of its own', async () => {
  await db.write(new WriteBatch().put(b('a'), b('1')), { sync: false });
  await db.checkpoint(join(directory, 'checkpoint'));
  await db.write(new WriteBatch().put(b('a'), b('2')), { sync: false });
  const copy = await RocksDb.open(join(directory, 'checkpoint'), { ...options, createIfMissing: false });
  expect(await copy.get(b('a'))).toEqual(b('1'));
  await copy.close();
  await expect(db.checkpoint(join(directory, 'checkpoint'))).rejects.toMatchObject({
    code: 'KV_INVALID_ARGUMENT',
    rocksdb: { code: 4 },
  });
});

test('properties are readable and an unknown one is undefined', async () => {
  await db.write(new WriteBatch().put(b('a'), b('1')), { sync: false });
  expect(db.property('rocksdb.estimate-num-keys')).toBe('1');
  expect(db.property('rocksdb.no-such-property')).toBeUndefined();
});

test('the data profile has no log, refuses synced writes and keeps what was flushed', async () => {
  const path = join(directory, 'data');
  const data = await RocksDb.open(path, { ...options, profile: 'data' });
  await expect(data.write(new WriteBatch().put(b('a'), b('1')), { sync: true })).rejects.toMatchObject({
    code: 'KV_INVALID_ARGUMENT',
  });
  await data.write(new WriteBatch().put(b('a'), b('1')), { sync: false });
  await data.flush();
  const logBytes = Number(data.property('rocksdb.size-all-mem-tables'));
  expect(logBytes).toBeGreaterThan(0);
  expect((await readdir(path)).some((name) => name.endsWith('.sst'))).toBe(true);
  await data.close();
  const again = await RocksDb.open(path, { ...options, profile: 'data' });
  expect(await again.get(b('a'))).toEqual(b('1'));
  await again.close();
});

test.each(['none', 'lz4', 'zstd'] as const)(
  'compression %s reads back after a flush',
  async (compression) => {
    await reopen({ compression });
    await db.write(new WriteBatch().put(b('a'), Buffer.alloc(10_000, 'x')), { sync: false });
    await db.flush();
    await reopen({ compression: 'none' });
    expect(await db.get(b('a'))).toEqual(Buffer.alloc(10_000, 'x'));
  },
);

describe('opening', () => {
  test('a directory that is open already is KV_LOCKED', async () => {
    await expect(RocksDb.open(join(directory, 'db'), options)).rejects.toMatchObject({
      name: 'KvError',
      code: 'KV_LOCKED',
      rocksdb: { code: 5 },
    });
  });

  test('a missing database is refused without createIfMissing, an existing one with errorIfExists', async () => {
    await expect(
      RocksDb.open(join(directory, 'other'), { ...options, createIfMissing: false }),
    ).rejects.toMatchObject({ code: 'KV_INVALID_ARGUMENT' });
    await db.close();
    await expect(
      RocksDb.open(join(directory, 'db'), { ...options, errorIfExists: true }),
    ).rejects.toMatchObject({ code: 'KV_INVALID_ARGUMENT' });
  });

  test('a path below a file is KV_IO_ERROR', async () => {
    await expect(RocksDb.open('/proc/version/db', options)).rejects.toMatchObject({ code: 'KV_IO_ERROR' });
  });
});

describe('closing', () => {
  test('waits for the calls under way and refuses later ones', async () => {
    const writes = Array.from({ length: 50 }, (_, i) =>
      db.write(new WriteBatch().put(b(String(i)), randomBytes(10_000)), { sync: i % 10 === 0 }),
    );
    const reads = Array.from({ length: 50 }, (_, i) => db.get(b(String(i))));
    const flush = db.flush();
    const closed = db.close();
    await expect(db.get(b('1'))).rejects.toMatchObject({ code: 'KV_CLOSED', rocksdb: undefined });
    await expect(db.write(new WriteBatch(), { sync: false })).rejects.toMatchObject({ code: 'KV_CLOSED' });
    await expect(db.scan({}).next(everything)).rejects.toMatchObject({ code: 'KV_CLOSED' });
    expect(db.property('rocksdb.estimate-num-keys')).toBeUndefined();
    await Promise.all([...writes, ...reads, flush, closed]);
    await db.close();
    await reopen();
    expect((await db.scan({ keysOnly: true }).next(everything)).entries).toHaveLength(50);
  });

  test('frees scans that are open', async () => {
    await db.write(new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2')), { sync: false });
    const scan = db.scan({});
    await scan.next({ entriesMax: 1, bytesMax: 1 });
    await db.close();
    await expect(scan.next(everything)).rejects.toMatchObject({ code: 'KV_CLOSED' });
    await scan.close();
    await reopen();
    expect(await db.get(b('b'))).toEqual(b('2'));
  });
});
