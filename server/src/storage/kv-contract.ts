import fc from 'fast-check';
import { type BatchOperation, halfOpen, type KvEntry, type KvRange, WriteBatch } from '../native/index.ts';
import type { IterateOptions, KvProfile, KvStore } from './kv-store.ts';

/** One store to be tested, and how to come back to it. */
export interface KvHarness {
  readonly profile: KvProfile;
  open(): Promise<KvStore>;
  /** After `close` of the store that was opened last. */
  reopen(): Promise<KvStore>;
  /** A name for `checkpoint`. */
  readonly checkpointName: string;
  openCheckpoint(): Promise<KvStore>;
  /** Closes what is open and removes everything. */
  dispose(): Promise<void>;
}

const b = (text: string): Buffer => Buffer.from(text);

/** Every entry of a range, as `key=value`. */
export async function collect(
  kv: KvStore,
  range: KvRange = {},
  options: IterateOptions = {},
): Promise<string[]> {
  const found: string[] = [];
  for await (const chunk of kv.iterate(range, options)) {
    expect(chunk.length).toBeGreaterThan(0);
    found.push(...chunk.map(({ key, value }) => `${key.toString('latin1')}=${value.toString('latin1')}`));
  }
  return found;
}

/** The store under test; a new one for each test. */
interface Subject {
  harness: KvHarness;
  kv: KvStore;
}

/** What every implementation of `KvStore` must do; each passes itself into this from its own test file. */
export function describeKvContract(name: string, makeHarness: () => Promise<KvHarness>): void {
  describe(`${name} keeps the contract of KvStore:`, () => {
    const it = {} as Subject;

    beforeEach(async () => {
      it.harness = await makeHarness();
      it.kv = await it.harness.open();
    });

    afterEach(async () => {
      await it.kv.close();
      await it.harness.dispose();
    });

    contractOfBatches(it);
    contractOfOrder(it);
    contractOfRanges(it);
    contractOfClosing(it);
    contractOfCopies(it);
  });
}

const put = (kv: KvStore, key: string, value: string): Promise<void> =>
  kv.write(new WriteBatch().put(b(key), b(value)), { sync: false });

function contractOfBatches(it: Subject): void {
  test('what was written is found, what was not is undefined', async () => {
    await put(it.kv, 'a', '1');
    expect(await it.kv.get(b('a'))).toEqual(b('1'));
    expect(await it.kv.get(b('b'))).toBeUndefined();
    expect(await it.kv.multiGet([b('b'), b('a'), b('a')])).toEqual([undefined, b('1'), b('1')]);
  });

  test('a batch takes effect in the order of its operations', async () => {
    const batch = new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2')).put(b('c'), b('3'));
    batch.deleteRange(b('a'), b('c')).put(b('a'), b('4')).delete(b('c')).delete(b('none'));
    await it.kv.write(batch, { sync: false });
    expect(await collect(it.kv)).toEqual(['a=4']);
  });

  test('keys and values are bytes: empty, zero and 255 included', async () => {
    const keys = ['', '\0', '\0\0', 'a', 'a\0', 'a\xff', '\xff', '\xff\xff'];
    const batch = new WriteBatch();
    for (const key of [...keys].reverse()) batch.put(Buffer.from(key, 'latin1'), Buffer.alloc(0));
    await it.kv.write(batch, { sync: false });
    expect(await collect(it.kv)).toEqual(keys.map((key) => `${key}=`));
  });

  test('any sequence of batches leaves what a plain map would hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyOperation, { maxLength: 8 }), { maxLength: 8 }),
        async (batches) => {
          await it.kv.write(new WriteBatch().deleteRange(b(''), Buffer.alloc(8, 255)), { sync: false });
          const expected = new Map<string, string>();
          for (const operations of batches) {
            const batch = new WriteBatch();
            for (const operation of operations) {
              addTo(batch, operation);
              addToMap(expected, operation);
            }
            await it.kv.write(batch, { sync: false });
          }
          const sorted = [...expected].sort(([x], [y]) => (x < y ? -1 : 1));
          expect(await collect(it.kv)).toEqual(sorted.map(([key, value]) => `${key}=${value}`));
        },
      ),
      { numRuns: 30 },
    );
  });
}

function contractOfOrder(it: Subject): void {
  test('a batch may be changed as soon as it was handed over', async () => {
    const batch = new WriteBatch().put(b('a'), b('1'));
    const first = it.kv.write(batch, { sync: false });
    batch.put(b('b'), b('2'));
    const second = it.kv.write(batch, { sync: false });
    batch.clear();
    batch.put(b('c'), b('3'));
    await Promise.all([first, second]);
    expect(await collect(it.kv)).toEqual(['a=1', 'b=2']);
  });

  test('writes complete in the order of their calls', async () => {
    const order: number[] = [];
    const writes = [0, 1, 2, 3, 4].map(async (i) => {
      await it.kv.write(new WriteBatch().put(b('k'), b(String(i))), {
        sync: it.harness.profile === 'log' && i === 2,
      });
      order.push(i);
    });
    await Promise.all(writes);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(await it.kv.get(b('k'))).toEqual(b('4'));
  });

  test('an iteration holds what was written before it and nothing that was written after', async () => {
    const before = put(it.kv, 'a', '1');
    const iteration = it.kv.iterate({}, { chunkBytes: 1 });
    const after = it.kv.write(new WriteBatch().delete(b('a')).put(b('b'), b('2')), { sync: false });
    await Promise.all([before, after]);
    const found: KvEntry[] = [];
    for await (const chunk of iteration) found.push(...chunk);
    expect(found.map(({ key }) => key.toString())).toEqual(['a']);
    expect(await collect(it.kv)).toEqual(['b=2']);
  });
}

function contractOfRanges(it: Subject): void {
  test.each<[KvRange, string]>([
    [{}, 'abcde'],
    [{ reverse: true }, 'edcba'],
    [{ gte: b('b') }, 'bcde'],
    [{ gt: b('b') }, 'cde'],
    [{ lt: b('d') }, 'abc'],
    [{ lte: b('d') }, 'abcd'],
    [{ gt: b('a'), lt: b('e'), reverse: true }, 'dcb'],
    [{ gte: b('b'), gt: b('c') }, 'de'],
    [{ lte: b('b'), lt: b('d') }, 'ab'],
    [{ gte: b('bb'), lte: b('cc') }, 'c'],
    [{ gte: b('d'), lt: b('b') }, ''],
    [{ gt: b('b'), lt: b('b') }, ''],
    [{ lt: b('') }, ''],
  ])('the range %j holds %j', async (range, expected) => {
    const batch = new WriteBatch();
    for (const key of 'abcde') batch.put(b(key), b('v'));
    await it.kv.write(batch, { sync: false });
    expect(await collect(it.kv, range)).toEqual(Array.from(expected, (key) => `${key}=v`));
    expect(await collect(it.kv, { ...range, keysOnly: true })).toEqual(
      Array.from(expected, (key) => `${key}=`),
    );
  });

  test('chunks and limits cut a range without losing or repeating an entry', async () => {
    const batch = new WriteBatch();
    const keys = Array.from({ length: 5000 }, (_, i) => String(i).padStart(5, '0'));
    for (const key of keys) batch.put(b(key), b(key));
    await it.kv.write(batch, { sync: false });
    expect(await collect(it.kv, {})).toHaveLength(5000);
    expect(await collect(it.kv, {}, { chunkBytes: 100 })).toEqual(keys.map((key) => `${key}=${key}`));
    expect(await collect(it.kv, { reverse: true }, { chunkBytes: 1, limit: 2 })).toEqual([
      '04999=04999',
      '04998=04998',
    ]);
    expect(await collect(it.kv, {}, { limit: 0 })).toEqual([]);
  });
}

function contractOfClosing(it: Subject): void {
  test('an iteration may be left early, and the store closed after it', async () => {
    await it.kv.write(new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2')), { sync: false });
    for await (const chunk of it.kv.iterate({}, { chunkBytes: 1 })) {
      expect(chunk).toHaveLength(1);
      break;
    }
    await it.kv.close();
  });

  test('closing keeps everything, synced or not', async () => {
    await put(it.kv, 'a', '1');
    await it.kv.flush();
    await put(it.kv, 'b', '2');
    await it.kv.close();
    it.kv = await it.harness.reopen();
    expect(await collect(it.kv)).toEqual(['a=1', 'b=2']);
  });

  test('closing lets the calls under way finish and refuses later ones', async () => {
    const writes = [put(it.kv, 'a', '1'), put(it.kv, 'b', '2'), it.kv.flush()];
    const closed = it.kv.close();
    const refused = { code: 'KV_CLOSED' };
    await expect(put(it.kv, 'c', '3')).rejects.toMatchObject(refused);
    await expect(it.kv.get(b('a'))).rejects.toMatchObject(refused);
    await expect(it.kv.multiGet([b('a')])).rejects.toMatchObject(refused);
    await expect(collect(it.kv)).rejects.toMatchObject(refused);
    await expect(it.kv.flush()).rejects.toMatchObject(refused);
    await expect(it.kv.checkpoint(it.harness.checkpointName)).rejects.toMatchObject(refused);
    expect(it.kv.property('rocksdb.estimate-num-keys')).toBeUndefined();
    await Promise.all([...writes, closed, it.kv.close()]);
    it.kv = await it.harness.reopen();
    expect(await collect(it.kv)).toEqual(['a=1', 'b=2']);
  });
}

function contractOfCopies(it: Subject): void {
  test('the bytes that were given and received belong to their callers', async () => {
    const key = b('a');
    const value = b('1');
    await it.kv.write(new WriteBatch().put(key, value), { sync: false });
    key.fill(0);
    value.fill(0);
    (await it.kv.get(b('a')))?.fill(0);
    for await (const chunk of it.kv.iterate({})) chunk[0]?.value.fill(0);
    expect(await it.kv.get(b('a'))).toEqual(b('1'));
  });

  test('a checkpoint is a copy; a second one of the same name is refused without harm', async () => {
    await put(it.kv, 'a', '1');
    await it.kv.checkpoint(it.harness.checkpointName);
    await put(it.kv, 'a', '2');
    const copy = await it.harness.openCheckpoint();
    expect(await collect(copy)).toEqual(['a=1']);
    await copy.close();
    await expect(it.kv.checkpoint(it.harness.checkpointName)).rejects.toMatchObject({
      code: 'KV_INVALID_ARGUMENT',
    });
    expect(await collect(it.kv)).toEqual(['a=2']);
  });

  test('a synced write is taken by a log and refused by a store without one', async () => {
    const write = it.kv.write(new WriteBatch().put(b('a'), b('1')), { sync: true });
    if (it.harness.profile === 'log') await write;
    else await expect(write).rejects.toMatchObject({ code: 'KV_INVALID_ARGUMENT' });
    // A refusal is no failure: the store goes on.
    await put(it.kv, 'b', '2');
    expect(await it.kv.get(b('b'))).toEqual(b('2'));
  });
}

const shortKey = fc.string({ unit: fc.constantFrom('a', 'b', '\0'), maxLength: 3 }).map(b);

const anyOperation: fc.Arbitrary<BatchOperation> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key: shortKey, value: shortKey }),
  fc.record({ type: fc.constant('delete' as const), key: shortKey }),
  fc.tuple(shortKey, shortKey).map(([x, y]) => {
    const [from, to] = Buffer.compare(x, y) <= 0 ? [x, y] : [y, x];
    return { type: 'deleteRange' as const, from, to };
  }),
);

function addTo(batch: WriteBatch, operation: BatchOperation): void {
  if (operation.type === 'put') batch.put(operation.key, operation.value);
  else if (operation.type === 'delete') batch.delete(operation.key);
  else batch.deleteRange(operation.from, operation.to);
}

function addToMap(map: Map<string, string>, operation: BatchOperation): void {
  if (operation.type === 'put') {
    map.set(operation.key.toString('latin1'), operation.value.toString('latin1'));
    return;
  }
  const { lower, upper } =
    operation.type === 'delete'
      ? halfOpen({ gte: operation.key, lte: operation.key })
      : { lower: operation.from, upper: operation.to };
  for (const key of map.keys()) {
    const bytes = Buffer.from(key, 'latin1');
    if (lower && upper && Buffer.compare(bytes, lower) >= 0 && Buffer.compare(bytes, upper) < 0)
      map.delete(key);
  }
}
