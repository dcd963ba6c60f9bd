import { InvariantError } from '../../server/src/base/index.ts';
import { parsePointId } from '../../server/src/model/index.ts';
import { encodeCommand, UnreadableEntryError } from '../../server/src/shard/index.ts';
import { MemoryKv } from '../../server/src/storage/index.ts';
import { entry, point, remove, SCHEMA, upsert } from '../../server/src/shard/testing/commands.ts';
import { ShardWorld, until } from '../support/shard-world.ts';

const key = (id: string | number): Buffer => parsePointId(id).key;
const everything = { k: 10, ef: 10, exact: true, withPayload: true, withVector: true };

test('a point comes back exactly as it was written, with the log index as its version', async () => {
  const { host } = await new ShardWorld({ shards: [3] }).open();
  const written = point('a', [0.1, -0, 3], { nested: [1, { deep: 'ü' }] });
  const results = await host.apply([{ group: 3, entries: [entry(1), entry(2, upsert(written))] }]);
  expect(results).toEqual([[{ kind: 'none' }, { kind: 'upserted', version: 2 }]]);
  const found = await host.get(3, SCHEMA.id, key('a'));
  expect(found).toEqual({
    idKey: key('a'),
    isInteger: false,
    version: 2,
    vector: written.vector,
    payload: written.payload,
    shard: 3,
  });
  expect(await host.get(3, SCHEMA.id, key('b'))).toBeUndefined();
});

test('an upsert replaces the whole point and remembers how the id was written last', async () => {
  const { host } = await new ShardWorld({ shards: [0] }).open();
  await host.apply([{ group: 0, entries: [entry(1, upsert(point('5', [1, 0, 0], { a: 1 })))] }]);
  await host.apply([{ group: 0, entries: [entry(2, upsert(point(5, [0, 1, 0], { b: 2 })))] }]);
  const found = await host.get(0, SCHEMA.id, key(5));
  expect(found).toMatchObject({ isInteger: true, version: 2, payload: Buffer.from('{"b":2}') });
  expect(await host.count({ collection: SCHEMA.id, shards: [0] })).toBe(1);
});

test('deletes tell which points were there, also when ids repeat within one turn', async () => {
  const { host } = await new ShardWorld({ shards: [0, 1] }).open();
  const results = await host.apply([
    { group: 0, entries: [entry(1, upsert(point('a', [1, 0, 0]))), entry(2, remove('a', 'b', 'a'))] },
    { group: 1, entries: [entry(1, upsert(point('c', [1, 0, 0]), point('c', [0, 1, 0])))] },
    { group: 0, entries: [entry(3, upsert(point('a', [0, 0, 1])))] },
  ]);
  expect(results).toEqual([
    [
      { kind: 'upserted', version: 1 },
      { kind: 'deleted', deleted: [true, false, false] },
    ],
    [{ kind: 'upserted', version: 1 }],
    [{ kind: 'upserted', version: 3 }],
  ]);
  expect(await host.count({ collection: SCHEMA.id, shards: [0, 1] })).toBe(2);
  expect([host.vectors(0), host.vectors(1)]).toEqual([1, 1]);
  expect([host.applied(0), host.applied(1)]).toEqual([3, 1]);
});

test('a condition is compared with the version that the entries before it have left, also within one turn', async () => {
  const { host } = await new ShardWorld({ shards: [0] }).open();
  const a = (n: number) => upsert(point('a', [1, 0, n]));
  const results = await host.apply([
    {
      group: 0,
      entries: [
        entry(1, { ...a(1), ifVersion: 0 }),
        entry(2, { ...a(2), ifVersion: 0 }),
        entry(3, { ...a(3), ifVersion: 1 }),
        entry(4, { ...remove('a'), ifVersion: 1 }),
        entry(5, { ...remove('b'), ifVersion: 0 }),
        entry(6, { ...remove('a'), ifVersion: 3 }),
        entry(7, { ...a(7), ifVersion: 3 }),
      ],
    },
  ]);
  expect(results[0]?.map((result) => (result.kind === 'refused' ? result.message : result.kind))).toEqual([
    'upserted',
    'if_version is 0, but the point has version 1',
    'upserted',
    'if_version is 1, but the point has version 3',
    'deleted',
    'deleted',
    'if_version is 3, but there is no such point',
  ]);
  expect(host.vectors(0)).toBe(0);
});

test('a delete up to versions leaves what is newer', async () => {
  const { host } = await new ShardWorld({ shards: [0] }).open();
  const points = ['a', 'b', 'c'].map((id) => upsert(point(id, [1, 0, 0])));
  await host.apply([{ group: 0, entries: points.map((command, at) => entry(at + 1, command)) }]);
  const some = { ...remove('b', 'a', 'd', 'c', 'c'), upTo: [1, 1, 9, 3, 3] };
  expect(await host.apply([{ group: 0, entries: [entry(4, some)] }])).toEqual([
    [{ kind: 'deleted', deleted: [false, true, false, true, false] }],
  ]);
  expect(await host.get(0, SCHEMA.id, key('b'))).toMatchObject({ version: 2 });
  expect(host.vectors(0)).toBe(1);
});

test('entries without a command only move the applied index', async () => {
  const { host } = await new ShardWorld({ shards: [0] }).open();
  const confChange = { index: 2, term: 4, kind: 'confChange' as const, data: Buffer.from('opaque') };
  expect(await host.apply([{ group: 0, entries: [entry(1), confChange] }])).toEqual([
    [{ kind: 'none' }, { kind: 'none' }],
  ]);
  expect(host.applied(0)).toBe(2);
});

test('a vector of another dimension is refused by every replica and has no effect', async () => {
  const knows = await new ShardWorld({ shards: [0] }).open();
  const lags = await new ShardWorld({ shards: [0] }).open({ withCollection: false });
  const entries = [
    entry(1, upsert(point('a', [1, 0, 0]))),
    entry(2, upsert(point('b', [1, 0, 0]), point('c', [1, 0]))),
    entry(3, upsert(point('a', [1, 2, 3, 4]))),
  ];
  const results = await knows.host.apply([{ group: 0, entries }]);
  expect(results[0]?.map((result) => result.kind)).toEqual(['upserted', 'refused', 'refused']);
  expect(results[0]?.[1]).toMatchObject({ code: 'DIMENSION_MISMATCH' });
  expect(await lags.host.apply([{ group: 0, entries }])).toEqual(results);
  expect(await knows.stored()).toEqual([`${key('a').toString('hex')}@1`]);
  expect(knows.host.applied(0)).toBe(3);
});

test('entries that are repeated or skipped stop the replica', async () => {
  const { host } = await new ShardWorld({ shards: [0] }).open();
  await host.apply([{ group: 0, entries: [entry(1)] }]);
  await expect(host.apply([{ group: 0, entries: [entry(1)] }])).rejects.toThrow(InvariantError);
  await expect(host.apply([{ group: 0, entries: [entry(3)] }])).rejects.toThrow(InvariantError);
});

test.each([
  ['of a later format', 0, 2],
  ['of a later kind', 1, 7],
])('a command %s stops the replica before anything has an effect', async (_, offset, value) => {
  const { host } = await new ShardWorld({ shards: [0] }).open();
  const data = encodeCommand(upsert(point('b', [1, 0, 0])), { wallMs: 0 });
  data[offset] = value;
  const entries = [entry(1, upsert(point('a', [1, 0, 0]))), { ...entry(2), data }];
  await expect(host.apply([{ group: 0, entries }])).rejects.toThrow(UnreadableEntryError);
  expect(host.applied(0)).toBe(0);
  expect(await host.get(0, SCHEMA.id, key('a'))).toBeUndefined();
});

test('two replicas that apply the same entries in other turns have the same bytes', async () => {
  const [one, two] = [
    await new ShardWorld({ shards: [0, 1] }).open(),
    await new ShardWorld({ shards: [1, 0] }).open(),
  ];
  const entries = [
    entry(1, upsert(point('a', [1, 0, 0]), point('b', [0, 1, 0]))),
    entry(2, remove('a', 'x')),
    entry(3, upsert(point('a', [1, 1, 0]))),
    entry(4),
  ];
  await one.host.apply([
    { group: 0, entries },
    { group: 1, entries: entries.slice(0, 2) },
  ]);
  for (const next of entries.slice(0, 2)) await two.host.apply([{ group: 1, entries: [next] }]);
  for (const next of entries) await two.host.apply([{ group: 0, entries: [next] }]);
  expect(await two.rows()).toEqual(await one.rows());
});

test('a failed write rejects the turn and every turn after it', async () => {
  const world = await new ShardWorld({ shards: [0] }).open();
  world.kv.failNextWrite();
  await expect(world.host.apply([{ group: 0, entries: [entry(1)] }])).rejects.toThrow('injected');
  await expect(world.host.apply([{ group: 0, entries: [entry(1)] }])).rejects.toThrow();
  expect(world.host.applied(0)).toBe(0);
});

test('search answers the exact score, payload and vector of the best points first', async () => {
  const { host } = await new ShardWorld({ shards: [0, 1] }).open();
  const near = point('near', [6, 8, 0]);
  await host.apply([
    { group: 0, entries: [entry(1, upsert(near, point('tie-b', [1, 0, 0])))] },
    { group: 1, entries: [entry(1, upsert(point('tie-a', [1, 0, 0]), point('far', [-3, -4, 0])))] },
  ]);
  const query = { collection: SCHEMA.id, query: new Float32Array([3, 4, 0]), ...everything };
  const points = await host.search({ ...query, shards: [0, 1] });
  expect(points.map(({ idKey }) => idKey.toString('utf8', 1))).toEqual(['near', 'tie-a', 'tie-b', 'far']);
  expect(points[0]).toEqual({
    score: 1,
    shard: 0,
    idKey: key('near'),
    isInteger: false,
    version: 1,
    payload: near.payload,
    vector: near.vector,
  });
  const bare = await host.search({ ...query, shards: [1], withPayload: false, withVector: false, k: 1 });
  expect(bare.map(Object.keys)).toEqual([['score', 'shard', 'idKey', 'isInteger', 'version']]);
});

test('a search of a collection that this node does not know yet is refused as unavailable', async () => {
  const { host } = await new ShardWorld({ shards: [0] }).open({ withCollection: false });
  const query = { collection: SCHEMA.id, query: new Float32Array([1, 1, 0]), shards: [0], ...everything };
  await expect(host.search(query)).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
});

test('scroll pages over all shards in id order without gaps or repeats', async () => {
  const { host } = await new ShardWorld({ shards: [0, 1, 2] }).open();
  const ids = Array.from({ length: 50 }, (_, n) => (n % 3 === 0 ? `text-${String(n)}` : n * 1000));
  for (const shard of [0, 1, 2]) {
    const own = ids.filter((_, n) => n % 3 === shard).map((id) => point(id, [1, 2, 3]));
    await host.apply([{ group: shard, entries: [entry(1, upsert(...own))] }]);
  }
  const seen: Buffer[] = [];
  for (;;) {
    const page = {
      collection: SCHEMA.id,
      shards: [0, 1, 2],
      after: seen.at(-1),
      limit: 7,
      withVector: false,
    };
    const { points } = await host.scroll(page);
    if (points.length === 0) break;
    expect(points.every((p) => p.vector.length === 0)).toBe(true);
    seen.push(...points.map(({ idKey }) => idKey));
  }
  expect(seen).toEqual(ids.map(key).sort((a, b) => Buffer.compare(a, b)));
});

test('fetch answers in the order of the question', async () => {
  const { host } = await new ShardWorld({ shards: [0, 1] }).open();
  await host.apply([
    { group: 0, entries: [entry(1, upsert(point('a', [1, 0, 0])))] },
    { group: 1, entries: [entry(1, upsert(point('b', [1, 0, 0])))] },
  ]);
  const points = [
    { shard: 1, idKey: key('b') },
    { shard: 0, idKey: key('b') },
    { shard: 0, idKey: key('a') },
  ];
  const found = await host.fetch({ collection: SCHEMA.id, points });
  expect(found.map((p) => p?.shard)).toEqual([1, undefined, 0]);
});

test('the state is flushed by itself after an interval of applied entries, and only then is durable', async () => {
  const world = await new ShardWorld({ shards: [0, 1], snapshotInterval: 10 }).open();
  const entries = Array.from({ length: 9 }, (_, n) => entry(n + 1));
  await world.host.apply([
    { group: 1, entries: entries.slice(0, 4) },
    { group: 0, entries },
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  expect([world.host.durableApplied(0), world.host.durableApplied(1)]).toEqual([0, 0]);
  await world.host.apply([{ group: 0, entries: [entry(10)] }]);
  await until(() => world.host.durableApplied(0) === 10);
  expect(world.host.durableApplied(1)).toBe(4);
  await world.crash().open();
  expect([world.host.applied(0), world.host.applied(1)]).toEqual([10, 4]);
  expect([world.host.durableApplied(0), world.host.durableApplied(1)]).toEqual([10, 4]);
});

test('a failed flush stops the replica: nothing that it applies would become durable', async () => {
  const world = await new ShardWorld({ shards: [0], snapshotInterval: 1 }).open();
  const { host } = world;
  await host.apply([{ group: 0, entries: [entry(1)] }]);
  await until(() => host.durableApplied(0) === 1);
  world.kv.failNextWrite();
  await expect(host.flush()).rejects.toThrow('injected');
  await expect(host.apply([{ group: 0, entries: [entry(2)] }])).rejects.toThrow('injected');
});

test('after a flush that failed nothing more is applied, even if the store would take it', async () => {
  const world = new ShardWorld({ shards: [0], snapshotInterval: 1 });
  world.kv = new (class extends MemoryKv {
    override flush(): Promise<void> {
      return Promise.reject(new Error('no space'));
    }
  })('data');
  const { host } = await world.open();
  await host.apply([{ group: 0, entries: [entry(1)] }]);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(host.apply([{ group: 0, entries: [entry(2)] }])).rejects.toThrow('no space');
  expect(host.applied(0)).toBe(1);
  expect(host.durableApplied(0)).toBe(0);
});
