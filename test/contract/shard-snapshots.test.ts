import { encodeCommand, type CommittedEntry } from '../../server/src/shard/index.ts';
import { entry, point, remove, SCHEMA, upsert } from '../../server/src/shard/testing/commands.ts';
import { ShardWorld } from '../support/shard-world.ts';

const named = (index: number): CommittedEntry => {
  const retry = {
    scope: 'key',
    name: Buffer.from('k'),
    sequence: 0,
    digest: Buffer.alloc(16, 1),
    chunk: 0,
  } as const;
  const data = encodeCommand(upsert(point('named', [1, 1, 0])), { wallMs: 1_700_000_000_000, retry });
  return { index, term: 1, kind: 'normal', data };
};

/** Has applied 42 entries, one of which named itself. */
async function source(): Promise<ShardWorld> {
  const world = await new ShardWorld({ shards: [0] }).open();
  const entries = Array.from({ length: 40 }, (_, i) =>
    entry(i + 1, upsert(point(i, [1, i, 0], { text: 'x'.repeat(50_000) }))),
  );
  await world.host.apply([{ group: 0, entries: [...entries, named(41), entry(42, remove(3, 4))] }]);
  return world;
}

/** Has applied other entries of the same log, which the snapshot replaces. */
async function behind(): Promise<ShardWorld> {
  const world = await new ShardWorld({ shards: [0] }).open();
  await world.host.apply([
    { group: 0, entries: [entry(1, upsert(point('old', [1, 0, 0]))), entry(2, upsert(point(7, [5, 5, 5])))] },
  ]);
  return world;
}

async function installed(from: ShardWorld, into: ShardWorld): Promise<number> {
  const snapshot = await from.host.openSnapshot(0);
  const { index, term } = snapshot;
  const sink = await into.host.beginInstall(0, { index, term });
  let chunks = 0;
  for await (const chunk of snapshot.chunks()) {
    expect(chunk.length).toBeLessThanOrEqual(1024 * 1024);
    await sink.write(chunk);
    chunks += 1;
  }
  expect(chunks).toBeGreaterThan(1);
  await sink.finish();
  return sink.generation;
}

test('a snapshot makes one state of another: points, index, counts and remembered writes', async () => {
  const [from, into] = [await source(), await behind()];
  const generation = await installed(from, into);
  expect(into.host.applied(0)).toBe(2);
  await into.host.switchTo(0, generation);
  expect(into.host.applied(0)).toBe(42);
  expect(into.host.durableApplied(0)).toBe(42);
  expect(await into.stored()).toEqual(await from.stored());
  expect(await into.found()).toEqual(await from.stored());
  expect(await into.host.count({ collection: SCHEMA.id, shards: [0] })).toBe(39);
  const more = [named(43), entry(44, upsert(point('after', [0, 0, 1])))];
  expect(await into.host.apply([{ group: 0, entries: more }])).toEqual(
    await from.host.apply([{ group: 0, entries: more }]),
  );
  expect(await into.found()).toEqual(await from.found());
});

test('it is as of the moment it was opened, whatever is applied while it is sent', async () => {
  const [from, into] = [await source(), await behind()];
  const stored = await from.stored();
  const snapshot = await from.host.openSnapshot(0);
  await from.host.apply([
    { group: 0, entries: [entry(43, remove(...Array.from({ length: 40 }, (_, i) => i)))] },
  ]);
  const sink = await into.host.beginInstall(0, { index: snapshot.index, term: snapshot.term });
  for await (const chunk of snapshot.chunks()) await sink.write(chunk);
  await sink.finish();
  await into.host.switchTo(0, sink.generation);
  expect(await into.stored()).toEqual(stored);
});

test('a crash before the switch leaves the state before, one after it the new one; the rest is removed', async () => {
  const [from, into] = [await source(), await behind()];
  await into.host.flush();
  const before = await into.stored();
  const generation = await installed(from, into);
  const again = new ShardWorld({ shards: [] });
  again.kv = into.kv.crash({ keptBatches: 0 });
  await again.open();
  // The log says which generation is in use.
  again.host.openShard(0, generation);
  await again.host.setCollection(SCHEMA);
  expect(await again.stored([0])).toEqual(await from.stored());
  expect(await again.found([0])).toEqual(await from.stored());

  const former = new ShardWorld({ shards: [] });
  former.kv = again.kv.crash({ keptBatches: 0 });
  await former.open();
  former.host.openShard(0, 1);
  expect(await former.stored([0])).toEqual(before);
  const next = await former.host.beginInstall(0, { index: 42, term: 1 });
  expect(next.generation).toBeGreaterThan(generation);
});

test('a stream that is cut short, goes on behind its end, or is of another entry is refused', async () => {
  const [from, into] = [await source(), await behind()];
  const snapshot = await from.host.openSnapshot(0);
  const chunks: Buffer[] = [];
  for await (const chunk of snapshot.chunks()) chunks.push(Buffer.from(chunk));
  const short = await into.host.beginInstall(0, { index: 42, term: 1 });
  await short.write(chunks[0]!);
  await expect(short.finish()).rejects.toThrow('not complete');
  await short.abort();
  const long = await into.host.beginInstall(0, { index: 42, term: 1 });
  for (const chunk of chunks) await long.write(chunk);
  await expect(long.write(chunks[0]!)).rejects.toThrow();
  const other = await into.host.beginInstall(0, { index: 41, term: 1 });
  await expect(other.write(chunks[0]!)).rejects.toThrow('not of 41');
  expect(into.host.applied(0)).toBe(2);
});
