import { FakeClock } from '../base/index.ts';
import { parsePointId } from '../model/index.ts';
import { homeShardOf, shardOf } from '../shard/index.ts';
import type { RetryName, WriteOptions } from './points-writer.ts';
import { MemoryCluster, type MemoryNode } from './testing/memory-cluster.ts';
import { passTimeUntil, pointOf, upsertOf } from './testing/requests.ts';

const SHARDS = 4;
const TIMEOUT_MS = 5000;

const keyed = (text: string): RetryName => ({ scope: 'key', name: Buffer.from(text), sequence: 0 });
/** A name at home in the shard. */
const nameOf = (home: number): RetryName =>
  Array.from({ length: 100 }, (_, i) => keyed(`name-${i}`)).find((n) => homeShardOf(n, SHARDS) === home)!;
/** An id of the shard. */
const idOf = (shard: number, from = 0): number =>
  Array.from({ length: 100 }, (_, i) => from + i).find(
    (i) => shardOf(1, parsePointId(i).key, SHARDS) === shard,
  )!;

/** Node n leads shard n - 1. */
function setUp({ dimension }: { readonly dimension: number | undefined } = { dimension: 2 }): {
  node: (n: number) => MemoryNode;
  write: (name: RetryName, ...ids: number[]) => Promise<unknown>;
  remove: (name: RetryName, ...ids: number[]) => Promise<number>;
  stored: () => Promise<number>;
} {
  const clock = new FakeClock();
  const cluster = new MemoryCluster({ dimension, clock, nodes: 4, shards: SHARDS });
  const node = (n: number): MemoryNode => cluster.node(`node-${n}`);
  const within = (retry: RetryName): WriteOptions => ({ deadlineMs: clock.nowMs() + TIMEOUT_MS, retry });
  return {
    node,
    write: (retry, ...ids) => {
      const points = ids.map((id) => pointOf(id, [1, id]));
      return passTimeUntil(clock, node(1).points.upsert(upsertOf(...points), within(retry)));
    },
    remove: (retry, ...ids) => {
      const request = { kind: 'ids' as const, ids: ids.map((id) => parsePointId(id)) };
      return passTimeUntil(clock, node(1).points.deleteMany(request, within(retry)));
    },
    stored: async () => {
      const options = { deadlineMs: clock.nowMs() + TIMEOUT_MS };
      return (await passTimeUntil(clock, node(1).points.count({ consistency: 'strong' }, options))).value;
    },
  };
}

test.each([0, 2])(
  'a name that was used is refused for points of shards that have never seen it; home %i',
  async (home) => {
    const { write, remove, stored } = setUp();
    const name = nameOf(home);
    await write(name, idOf(0));
    const reused = { code: 'IDEMPOTENCY_KEY_REUSED', details: undefined };
    await expect(write(name, idOf(1))).rejects.toMatchObject(reused);
    await expect(write(name, idOf(3), idOf(1))).rejects.toMatchObject(reused);
    await expect(remove(name, idOf(0))).rejects.toMatchObject(reused);
    expect(await stored()).toBe(1);
  },
);

test('what it costs: one more entry, and none for a write of the home shard alone', async () => {
  const { node, write } = setUp();
  const proposals = (): number[] => [1, 2, 3, 4].map((n) => node(n).proposals);
  const name = nameOf(0);
  await write(name, idOf(0));
  expect(proposals()).toEqual([1, 0, 0, 0]);
  await write(nameOf(1), idOf(0), idOf(3));
  expect(proposals()).toEqual([2, 1, 0, 1]);
});

test('the repetition of a write that was done in part does the rest, and nothing twice', async () => {
  const { node, write, remove, stored } = setUp();
  const name = nameOf(0);
  const [first, second] = [idOf(0), idOf(1)];
  node(2).isStalled = true;
  await expect(write(name, first, second)).rejects.toMatchObject({
    code: 'WRITE_TIMEOUT',
    details: {
      shards: [
        { shard: 0, outcome: 'committed', version: 2 },
        { shard: 1, outcome: 'not_applied' },
      ],
    },
  });
  // Whoever has deleted the first point meanwhile must not find it again.
  await remove(keyed('another'), first);
  node(2).isStalled = false;
  const versions = [
    { shard: 0, version: 2 },
    { shard: 1, version: 1 },
  ];
  for (let i = 0; i < 2; i++)
    expect(await write(name, first, second)).toMatchObject({ upserted: 2, versions });
  expect(await stored()).toBe(1);
});

test('a claim whose outcome is unknown: surely nothing was written, and the repetition is carried out', async () => {
  const { node, write, stored } = setUp();
  node(1).peers.losesAnswers = true;
  const name = nameOf(1);
  await expect(write(name, idOf(0))).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  node(1).peers.losesAnswers = false;
  expect(await stored()).toBe(0);
  await write(name, idOf(0));
  expect(await stored()).toBe(1);
});

test('a deletion before anything was ever written is remembered too', async () => {
  const { write, remove, stored } = setUp({ dimension: undefined });
  const name = keyed('early');
  expect(await remove(name, 5, 6)).toBe(0);
  await write(keyed('later'), 5);
  expect(await remove(name, 5, 6)).toBe(0);
  expect(await stored()).toBe(1);
});

test('a deletion goes on without room on the disks, its claim included', async () => {
  const { node, remove } = setUp();
  for (const n of [1, 2, 3, 4]) node(n).room = (_, demand) => (demand === 'make' ? 'ok' : 'none');
  expect(await remove(nameOf(2), idOf(0))).toBe(0);
});
