import { JOURNAL_ENTRIES_MAX } from '../../server/src/engine/journal.ts';
import { MemoryKv } from '../../server/src/storage/index.ts';
import type { CommittedEntry } from '../../server/src/shard/index.ts';
import { entry, point, remove, SCHEMA, upsert } from '../../server/src/shard/testing/commands.ts';
import { ShardWorld, until } from '../support/shard-world.ts';

const file = (world: ShardWorld): string => `${world.directory}/collection-1.index`;
const entries = (from: number, to: number): CommittedEntry[] =>
  Array.from({ length: to - from + 1 }, (_, n) => {
    const index = from + n;
    return index % 5 === 0
      ? entry(index, remove(index - 3, index - 1))
      : entry(index, upsert(point(index, [1, index, 0])));
  });

async function expectIndexEqualsStore(world: ShardWorld): Promise<void> {
  const stored = await world.stored();
  expect(await world.found()).toEqual(stored);
  expect(world.host.stats()[0]?.live).toBe(stored.length);
  expect(await world.host.count({ collection: SCHEMA.id, shards: world.shards })).toBe(stored.length);
}

test('a clean restart loads the saved index and feeds it nothing', async () => {
  const world = await new ShardWorld({ shards: [0, 1] }).open();
  await world.host.apply([
    { group: 0, entries: entries(1, 20) },
    { group: 1, entries: entries(1, 7) },
  ]);
  await world.stop();
  world.indexes.upserts = 0;
  await world.open();
  expect(world.indexes.upserts).toBe(0);
  await expectIndexEqualsStore(world);
});

test('an older saved index catches up with upserts and deletes by the journal', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  await world.host.apply([{ group: 0, entries: entries(1, 100) }]);
  await world.stop();
  await world.open();
  await world.host.apply([{ group: 0, entries: entries(101, 140) }]);
  await world.host.apply([
    { group: 0, entries: [entry(141, remove(1, 3)), entry(142, upsert(point(6, [9, 9, 9])))] },
  ]);
  await world.host.flush();
  world.indexes.upserts = 0;
  await world.crash().open();
  expect(world.indexes.upserts).toBeLessThan(50);
  await expectIndexEqualsStore(world);
});

test('without a file, or with one that cannot be read, everything is read from the store', async () => {
  const world = await new ShardWorld({ shards: [0, 1] }).open();
  await world.host.apply([
    { group: 0, entries: entries(1, 20) },
    { group: 1, entries: entries(1, 9) },
  ]);
  await world.stop();
  world.indexes.files.clear();
  await world.open();
  await expectIndexEqualsStore(world);
  await world.stop();
  const saved = world.indexes.files.get(file(world))!;
  world.indexes.files.set(file(world), { ...saved, options: 'of another collection' });
  await world.open();
  await expectIndexEqualsStore(world);
  await world.stop();
  world.indexes.files.set(file(world), { ...saved, tag: Buffer.from('garbage') });
  await world.open();
  await expectIndexEqualsStore(world);
});

test('a saved index that is ahead of the store is read anew', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  await world.host.apply([{ group: 0, entries: entries(1, 10) }]);
  await world.host.flush();
  const before = world.kv;
  await world.host.apply([
    { group: 0, entries: [entry(11, remove(1)), entry(12, upsert(point('new', [1, 1, 1])))] },
  ]);
  await world.host.close();
  const { files } = world.indexes;
  expect(files.size).toBe(1);
  // The disk went back in time, the index file did not.
  const older = await new ShardWorld({ shards: [0] }).open();
  await older.host.apply([{ group: 0, entries: entries(1, 10) }]);
  await older.host.flush();
  older.crash();
  older.indexes.files.set(file(older), files.get(file(world))!);
  await older.open();
  await expectIndexEqualsStore(older);
  await before.close();
});

test('shards of a file that the node does not hold are dropped, new ones are read', async () => {
  const two = await new ShardWorld({ shards: [0, 1] }).open();
  await two.host.apply([
    { group: 0, entries: entries(1, 10) },
    { group: 1, entries: entries(1, 10) },
  ]);
  await two.stop();
  const one = new ShardWorld({ shards: [1, 2] });
  one.kv = two.kv;
  one.indexes.files.set(file(one), two.indexes.files.get(file(two))!);
  await one.open();
  expect(await one.found()).toEqual(await one.stored());
  await one.host.apply([{ group: 2, entries: entries(1, 10) }]);
  await one.stop();
  expect([...one.indexes.files.get(file(one))!.slots.values()].filter(({ shard }) => shard === 0)).toEqual(
    [],
  );
});

test('entries that are applied while the collection is being loaded reach the index', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  await world.host.apply([{ group: 0, entries: entries(1, 2000) }]);
  await world.stop();
  world.indexes.files.clear();
  await world.open({ withCollection: false });
  const progress = { isLoaded: false };
  const loading = world.host.setCollection(SCHEMA).finally(() => (progress.isLoaded = true));
  let index = 2000;
  while (!progress.isLoaded) {
    await world.host.apply([{ group: 0, entries: entries(index + 1, index + 7) }]);
    index += 7;
  }
  await loading;
  await expectIndexEqualsStore(world);
  await world.host.apply([{ group: 0, entries: entries(index + 1, index + 7) }]);
  await expectIndexEqualsStore(world);
});

test('entries that were applied before the schema was known are searchable once it is', async () => {
  const world = await new ShardWorld({ shards: [0] }).open({ withCollection: false });
  await world.host.apply([{ group: 0, entries: entries(1, 20) }]);
  await world.host.setCollection(SCHEMA);
  await expectIndexEqualsStore(world);
});

test('a shard that is opened late is searchable as soon as a search asks for it', async () => {
  const world = await new ShardWorld({ shards: [0, 1] }).open();
  await world.host.apply([
    { group: 0, entries: entries(1, 20) },
    { group: 1, entries: entries(1, 30) },
  ]);
  await world.stop();
  const late = new ShardWorld({ shards: [0] });
  late.kv = world.kv;
  await late.open();
  late.host.openShard(1);
  await late.host.apply([{ group: 1, entries: entries(31, 40) }]);
  expect(await late.found([0, 1])).toEqual(await late.stored([0, 1]));
  expect(await late.host.count({ collection: SCHEMA.id, shards: [1] })).toBe((await late.found([1])).length);
});

test('setting a collection twice at once is harmless, setting another schema is a defect', async () => {
  const world = await new ShardWorld({ shards: [0] }).open({ withCollection: false });
  await world.host.apply([{ group: 0, entries: entries(1, 20) }]);
  await Promise.all([world.host.setCollection(SCHEMA), world.host.setCollection(SCHEMA)]);
  await expectIndexEqualsStore(world);
  await expect(world.host.setCollection({ ...SCHEMA, metric: 'dot' })).rejects.toThrow('never changes');
});

test('a schema that contradicts the points of a shard is a defect', async () => {
  const world = await new ShardWorld({ shards: [0] }).open({ withCollection: false });
  await world.host.apply([{ group: 0, entries: entries(1, 3) }]);
  await expect(world.host.setCollection({ ...SCHEMA, dimension: 4 })).rejects.toThrow('dimension');
});

test('an index with changes is saved after five minutes, and its journal rows are trimmed', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  const journalRows = async (): Promise<number> =>
    (await world.rows()).filter((row) => row.startsWith('03')).length;
  await world.host.apply([{ group: 0, entries: entries(1, 20) }]);
  expect(await journalRows()).toBe(20);
  world.clock.advance(5 * 60_000 - 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(world.indexes.files.size).toBe(0);
  world.clock.advance(1);
  await until(() => world.host.stats()[0]?.changesSinceSave === 0 && world.indexes.files.size === 1);
  for (let round = 0; (await journalRows()) > 0 && round < 100; round++) await world.host.apply([]);
  expect(await journalRows()).toBe(0);
  await world.host.apply([{ group: 0, entries: entries(21, 25) }]);
  await world.host.flush();
  world.indexes.upserts = 0;
  await world.crash().open();
  expect(world.indexes.upserts).toBeLessThan(6);
  await expectIndexEqualsStore(world);
});

/** A store that lets something else happen at the end of its next flush. */
class InterruptedKv extends MemoryKv {
  afterFlush: (() => Promise<unknown>) | undefined;

  override async flush(): Promise<void> {
    await super.flush();
    const interruption = this.afterFlush;
    this.afterFlush = undefined;
    await interruption?.();
  }
}

test('an index file is never ahead of what the store has on disk', async () => {
  const world = new ShardWorld({ shards: [0] });
  const kv = new InterruptedKv('data');
  world.kv = kv;
  await world.open();
  await world.host.apply([{ group: 0, entries: entries(1, 20) }]);
  kv.afterFlush = () => world.host.apply([{ group: 0, entries: entries(21, 25) }]);
  world.clock.advance(5 * 60_000);
  await until(() => world.indexes.files.size === 1);
  world.indexes.upserts = 0;
  await world.crash().open();
  expect(world.host.applied(0)).toBe(25);
  expect(world.indexes.upserts).toBe(0);
  await expectIndexEqualsStore(world);
});

test('a save that fails loses nothing and is tried again', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  await world.host.apply([{ group: 0, entries: entries(1, 20) }]);
  world.indexes.failsNextSave = true;
  world.clock.advance(5 * 60_000);
  await until(() => !world.indexes.failsNextSave);
  await until(() => world.host.stats()[0]!.changesSinceSave > 0);
  await world.host.apply([{ group: 0, entries: entries(21, 22) }]);
  await world.stop();
  expect(world.indexes.files.size).toBe(1);
  await world.open();
  await expectIndexEqualsStore(world);
});

test('a journal that nobody trims stays bounded, and an index older than it is read anew', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  await world.host.apply([{ group: 0, entries: entries(1, 20) }]);
  await world.stop();
  await world.open();
  const noOps = Array.from({ length: JOURNAL_ENTRIES_MAX }, (_, n) => entry(31 + n));
  const next = 31 + JOURNAL_ENTRIES_MAX;
  await world.host.apply([{ group: 0, entries: [...entries(21, 30), ...noOps, entry(next, remove(26))] }]);
  expect((await world.rows()).filter((row) => row.startsWith('03')).length).toBe(1);
  await world.host.flush();
  await world.crash().open();
  await expectIndexEqualsStore(world);
});

test('closing while an index is rebuilt ends the rebuild, and the next start does it', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  const large = { text: 'x'.repeat(250_000) };
  for (let index = 1; index <= 40; index++) {
    await world.host.apply([{ group: 0, entries: [entry(index, upsert(point(index, [1, 2, 3], large)))] }]);
  }
  await world.stop();
  world.indexes.files.clear();
  world.indexes.upserts = 0;
  await world.open({ withCollection: false });
  const loading = world.host.setCollection(SCHEMA);
  const ended = expect(loading).rejects.toThrow('abort');
  for (let round = 0; world.indexes.upserts === 0 && round < 10_000; round++) await Promise.resolve();
  await world.stop();
  await ended;
  expect(world.indexes.upserts).toBeLessThan(40);
  await world.open();
  await expectIndexEqualsStore(world);
});
