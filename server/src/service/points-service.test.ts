import fc from 'fast-check';

import { FakeClock, type GrapeError, NotLeaderError, present } from '../base/index.ts';
import { encodeCursor, decodeCursor, parsePointId, pointIdText } from '../model/index.ts';
import { encodeCommand, shardOf } from '../shard/index.ts';
import { WAITING_FOR_LEADER_MAX } from './leader-table.ts';
import type { CallOptions } from './points-service.ts';
import { MemoryCluster, type MemoryClusterOptions, type MemoryNode } from './testing/memory-cluster.ts';
import { passTimeUntil, pointOf, scrollOf, searchOf, upsertOf } from './testing/requests.ts';

const TIMEOUT_MS = 5000;

function setUp(options: MemoryClusterOptions = {}): {
  cluster: MemoryCluster;
  clock: FakeClock;
  node: (n: number) => MemoryNode;
  within: () => CallOptions;
  until: <T>(promise: Promise<T>) => Promise<T>;
} {
  const clock = new FakeClock();
  const cluster = new MemoryCluster({ dimension: 2, ...options, clock });
  return {
    cluster,
    clock,
    node: (n) => cluster.node(`node-${n}`),
    within: () => ({ deadlineMs: clock.nowMs() + TIMEOUT_MS }),
    until: (promise) => passTimeUntil(clock, promise),
  };
}

const strong = { consistency: 'strong' } as const;
const idText = ({ idKey }: { readonly idKey: Buffer }): string => pointIdText(idKey);
/** Ids that fall into one shard of four. */
const idsOf = (shard: number, count: number): number[] =>
  Array.from({ length: 1000 }, (_, i) => i)
    .filter((i) => shardOf(1, parsePointId(i).key, 4) === shard)
    .slice(0, count);

describe.each([
  ['one node', { nodes: 1 }],
  ['three nodes with all shards', { nodes: 3 }],
  ['five nodes with three replicas', { nodes: 5, replicas: 3, shards: 7 }],
])('%s', (_name, options) => {
  test('what was written through any node is read, found, counted and scrolled through every node', async () => {
    const { cluster, within, until } = setUp(options);
    const nodes = [...cluster.nodes.values()];
    for (const [i, { points }] of nodes.entries()) {
      const some = Array.from({ length: 20 }, (_, j) => pointOf(i * 100 + j, [i + 1, j], { i, j }));
      expect((await until(points.upsert(upsertOf(...some), within()))).upserted).toBe(20);
    }
    for (const { points } of nodes) {
      const got = await until(points.get(parsePointId(7), { ...strong, ...within() }));
      expect(got.value?.payload.toString()).toBe('{"i":0,"j":7}');
      expect((await until(points.count(strong, within()))).value).toBe(20 * nodes.length);
      const found = await until(points.search(searchOf([0, 1], { limit: 3 }), within()));
      expect(found.value.map(({ score }) => score)).toEqual(nodes.length > 2 ? [19, 19, 19] : [19, 18, 17]);
      const page = await until(points.scroll(scrollOf({ limit: 1000 }), within()));
      expect(page.value.points).toHaveLength(20 * nodes.length);
      expect(page.value.next).toBeUndefined();
      const filter =
        '{"must":[{"key":"j","match":{"any":[3,4]}}],"must_not":{"key":"i","match":{"value":0}}}';
      const passing = 2 * (nodes.length - 1);
      expect((await until(points.count({ ...strong, filter }, within()))).value).toBe(passing);
      const some = await until(points.scroll(scrollOf({ limit: 1000, filter }), within()));
      expect(some.value.points).toHaveLength(passing);
      const best = await until(points.search(searchOf([0, 1], { limit: 1000, filter }), within()));
      expect(best.value).toHaveLength(passing);
    }
  });

  test('a deleted point is gone for every node, and deleting it again says so', async () => {
    const { cluster, within, until } = setUp(options);
    const nodes = [...cluster.nodes.values()];
    const first = present(nodes[0], 'a node').points;
    const last = present(nodes.at(-1), 'a node').points;
    await until(first.upsert(upsertOf(pointOf('a', [1, 0]), pointOf('b', [0, 1])), within()));
    const { id } = pointOf('a', []);
    expect(await until(last.delete(id, within()))).toBe(true);
    expect(await until(first.delete(id, within()))).toBe(false);
    expect((await until(last.get(id, { ...strong, ...within() }))).value).toBeUndefined();
    const ids = ['a', 'b', 'c'].map((text) => parsePointId(text));
    expect(await until(last.deleteMany({ kind: 'ids', ids }, within()))).toBe(1);
    expect((await until(first.count(strong, within()))).value).toBe(0);
  });

  test('the three consistency levels see the same data while all is well', async () => {
    const { cluster, within, until } = setUp(options);
    const nodes = [...cluster.nodes.values()];
    await until(
      present(nodes[0], 'a node').points.upsert(upsertOf(pointOf('a', [1, 0]), pointOf(9, [0, 1])), within()),
    );
    for (const consistency of ['strong', 'leader', 'eventual'] as const) {
      for (const { points } of nodes) {
        expect((await until(points.count({ consistency }, within()))).value).toBe(2);
        const found = await until(points.search(searchOf([1, 0], { consistency }), within()));
        expect(found.value.map(idText)).toEqual(['a', '9']);
      }
    }
  });
});

describe('writes', () => {
  test('a write answers with the log index of its entry', async () => {
    const { node, within, until } = setUp({ shards: 1 });
    const write = (): Promise<{ versions: unknown }> =>
      until(node(1).points.upsert(upsertOf(pointOf('a', [1, 0])), within()));
    expect((await write()).versions).toEqual([{ shard: 0, version: 1 }]);
    expect((await write()).versions).toEqual([{ shard: 0, version: 2 }]);
  });

  test('a write waits for a leader and then succeeds', async () => {
    const { cluster, node, within, until, clock } = setUp({ nodes: 3 });
    for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
    clock.after(1000, () => {
      for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, 'node-2');
    });
    const result = await until(
      node(1).points.upsert(upsertOf(pointOf(1, [1, 0]), pointOf(2, [1, 0])), within()),
    );
    expect(result.upserted).toBe(2);
  });

  test('a batch of which one shard has no leader is refused before anything is proposed', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 3 });
    cluster.setLeader(2, undefined);
    const points = [0, 1, 2, 3].flatMap((shard) => idsOf(shard, 2)).map((id) => pointOf(id, [1, 0]));
    const write = until(node(1).points.upsert(upsertOf(...points), within()));
    await expect(write).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE', details: { shards: [2] } });
    expect([1, 2, 3].map((n) => node(n).proposals)).toEqual([0, 0, 0]);
  });

  test('a leader that cannot be reached counts as none', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 3 });
    cluster.setLeader(2, 'node-3');
    node(3).down();
    const points = [0, 1, 2, 3].flatMap((shard) => idsOf(shard, 2)).map((id) => pointOf(id, [1, 0]));
    const write = until(node(1).points.upsert(upsertOf(...points), within()));
    await expect(write).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
    expect([1, 2].map((n) => node(n).proposals)).toEqual([0, 0]);
  });

  test('writes that wait for a leader are bounded', async () => {
    const { cluster, node, within, until } = setUp({ shards: 1 });
    cluster.setLeader(0, undefined);
    const { points } = node(1);
    const write = (): Promise<unknown> => points.upsert(upsertOf(pointOf(1, [1, 0])), within());
    const waiting = Promise.allSettled(Array.from({ length: WAITING_FOR_LEADER_MAX }, write));
    await expect(write()).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    cluster.setLeader(0, 'node-1');
    expect((await until(waiting)).every(({ status }) => status === 'fulfilled')).toBe(true);
    // Their places are free again.
    cluster.setLeader(0, undefined);
    await expect(until(write())).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  });

  test('a leader without a quorum: the outcome is unknown at the deadline', async () => {
    const { node, within, until } = setUp({ nodes: 3 });
    node(2).down();
    node(3).down();
    const [id] = idsOf(0, 1);
    const write = until(node(1).points.upsert(upsertOf(pointOf(present(id, 'an id'), [1, 0])), within()));
    await expect(write).rejects.toMatchObject({ code: 'WRITE_TIMEOUT' });
  });

  test('a command that the leader never proposed is refused as surely not written', async () => {
    const { node, within, until } = setUp({ nodes: 3 });
    for (const n of [1, 2, 3]) node(n).isStalled = true;
    for (const n of [1, 2]) {
      const write = until(node(n).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
      await expect(write).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
    }
  });

  test('a lost answer is an unknown outcome and is not proposed again', async () => {
    const { node, within, until } = setUp({ nodes: 3 });
    const id = present(idsOf(1, 1)[0], 'an id');
    node(1).peers.losesAnswers = true;
    const write = until(node(1).points.upsert(upsertOf(pointOf(id, [1, 0])), within()));
    await expect(write).rejects.toMatchObject({ code: 'WRITE_TIMEOUT' });
    expect(node(2).proposals).toBe(1);
  });

  test('a write follows the leader that a refusal names', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 5, replicas: 3, shards: 5 });
    // Node 1 has no replica of shard 1 (nodes 2, 3, 4) and expects its preferred leader to lead it.
    cluster.setLeader(1, 'node-4');
    const id = present(
      Array.from({ length: 100 }, (_, i) => i).find((i) => shardOf(1, parsePointId(i).key, 5) === 1),
      'an id',
    );
    expect((await until(node(1).points.upsert(upsertOf(pointOf(id, [1, 0])), within()))).upserted).toBe(1);
    expect(node(4).proposals).toBe(1);
    const { requests } = node(1).peers;
    await until(node(1).points.upsert(upsertOf(pointOf(id, [1, 0])), within()));
    expect(node(1).peers.requests).toBe(requests + 1);
  });

  test('without room on most disks a write is refused at once, through any node, and a deletion is not', async () => {
    const { node, within, clock, until } = setUp({ nodes: 3 });
    for (const n of [1, 2, 3]) node(n).room = (_, demand) => (demand === 'make' ? 'ok' : 'none');
    const before = clock.nowMs();
    for (const n of [1, 2, 3]) {
      const write = until(node(n).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
      await expect(write).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(await until(node(n).points.delete(parsePointId(1), within()))).toBe(false);
    }
    expect(clock.nowMs() - before).toBeLessThan(TIMEOUT_MS);
    expect([1, 2, 3].reduce((sum, n) => sum + node(n).proposals, 0)).toBe(3);
  });

  test('without memory on the leader an upsert is refused at once with 429, through any node, and a deletion is not', async () => {
    const { node, within, clock, until } = setUp({ nodes: 3 });
    for (const n of [1, 2, 3]) node(n).room = (_, demand) => (demand === 'make' ? 'ok' : 'noMemory');
    const before = clock.nowMs();
    for (const n of [1, 2, 3]) {
      const write = until(node(n).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
      await expect(write).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
      expect(await until(node(n).points.delete(parsePointId(1), within()))).toBe(false);
    }
    expect(clock.nowMs() - before).toBeLessThan(TIMEOUT_MS);
    expect([1, 2, 3].reduce((sum, n) => sum + node(n).proposals, 0)).toBe(3);
  });

  test('a write waits while a leader without room hands its shard over', async () => {
    const { cluster, node, within, clock, until } = setUp({ nodes: 3, shards: 1 });
    node(1).room = () => 'handOver';
    clock.after(500, () => cluster.setLeader(0, 'node-2'));
    expect((await until(node(3).points.upsert(upsertOf(pointOf(1, [1, 0])), within()))).upserted).toBe(1);
    expect(node(1).proposals).toBe(0);
    cluster.setLeader(0, 'node-1');
    const write = until(node(3).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
    await expect(write).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  });

  test('a refused proposal is tried again until it is taken', async () => {
    const { node, within, until, clock } = setUp();
    node(1).proposalError = new NotLeaderError(undefined);
    clock.after(500, () => {
      node(1).proposalError = undefined;
    });
    expect((await until(node(1).points.upsert(upsertOf(pointOf(1, [1, 0])), within()))).upserted).toBe(1);
  });

  test('the first write of a single node fixes the dimension', async () => {
    const { node, within, until } = setUp({ dimension: undefined });
    const { points } = node(1);
    expect(points.parseContext()).toEqual({ dimension: undefined, metric: 'dot' });
    expect((await until(points.count(strong, within()))).value).toBe(0);
    const uneven = upsertOf(pointOf(1, [1, 0]), pointOf(2, [1, 0, 0]));
    await expect(until(points.upsert(uneven, within()))).rejects.toMatchObject({
      code: 'DIMENSION_MISMATCH',
    });
    expect(points.parseContext().dimension).toBeUndefined();
    await until(points.upsert(upsertOf(pointOf(1, [1, 0, 0])), within()));
    expect(points.parseContext().dimension).toBe(3);
    const late = until(points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
    await expect(late).rejects.toMatchObject({ code: 'DIMENSION_MISMATCH' });
  });
});

describe('reads', () => {
  test('without a quorum strong reads are unavailable at the deadline and eventual ones tell their age', async () => {
    const { node, within, until, clock } = setUp({ nodes: 3 });
    await until(node(1).points.upsert(upsertOf(pointOf(1, [1, 0]), pointOf(2, [0, 1])), within()));
    for (const n of [2, 3]) node(n).down();
    const before = clock.nowMs();
    const reads: Promise<unknown>[] = [
      node(1).points.count(strong, within()),
      node(1).points.search(searchOf([1, 0]), within()),
      node(1).points.get(parsePointId(1), { ...strong, ...within() }),
      node(1).points.scroll(scrollOf(), within()),
    ];
    for (const read of reads) await expect(until(read)).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
    expect(clock.nowMs() - before).toBeLessThan(TIMEOUT_MS + 500);
    const eventual = await until(node(1).points.count({ consistency: 'eventual' }, within()));
    expect(eventual.value).toBe(2);
    expect(eventual.stalenessMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
  });

  test('a strong read outlives a change of leader', async () => {
    const { cluster, node, within, until, clock } = setUp({ nodes: 3 });
    await until(node(1).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
    for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
    clock.after(1500, () => {
      for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, 'node-3');
    });
    expect((await until(node(1).points.count(strong, within()))).value).toBe(1);
  });

  test('a read at the leader is refused while there is none', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 3 });
    for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
    const read = until(node(1).points.count({ consistency: 'leader' }, within()));
    await expect(read).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  });

  test('a read at the leader asks no quorum, unless leases make it a linearizable one', async () => {
    const ask = async (leaseReads: boolean): Promise<unknown> => {
      const { node, within, until } = setUp({ nodes: 3, leaseReads });
      const shard = [0, 1, 2, 3].find((group) => node(1).status(group).isLeader)!;
      const id = parsePointId(idsOf(shard, 1)[0]!);
      for (const n of [2, 3]) node(n).down();
      const read = node(1).points.get(id, { consistency: 'leader', ...within() });
      return until(
        read.then(
          () => 'answered',
          (error: unknown) => (error as GrapeError).code,
        ),
      );
    };
    expect([await ask(false), await ask(true)]).toEqual(['answered', 'SHARD_UNAVAILABLE']);
  });

  test('every node that was searched says how it was done', async () => {
    const { node, within, until } = setUp({ nodes: 5, replicas: 3, shards: 10 });
    await until(node(1).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
    const { plans } = await until(node(1).points.search(searchOf([1, 0]), { ...within(), explain: true }));
    expect(plans.length).toBeGreaterThan(1);
    expect(plans.flatMap(({ shards }) => shards).sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
    expect(plans.every(({ strategy, reason }) => strategy === 'nothing' && reason !== '')).toBe(true);
    expect((await until(node(1).points.search(searchOf([1, 0]), within()))).plans).toEqual([]);
  });

  test('with all shards here no other node is asked', async () => {
    const { node, within, until } = setUp({ nodes: 3 });
    await until(node(2).points.search(searchOf([1, 0]), within()));
    await until(node(2).points.scroll(scrollOf(), within()));
    expect(node(2).peers.requests).toBe(0);
  });

  test('a node that is down is replaced by another replica of its shards', async () => {
    const { node, within, until } = setUp({ nodes: 5, replicas: 3, shards: 10 });
    const points = Array.from({ length: 50 }, (_, i) => pointOf(i, [1, i]));
    await until(node(1).points.upsert(upsertOf(...points), within()));
    for (const n of [2, 3]) {
      node(n).down();
      const { value } = await until(node(1).points.count({ consistency: 'eventual' }, within()));
      expect(value).toBe(50);
      node(n).up();
    }
  });

  test('a read is repeated on another node when the answer of one is lost', async () => {
    const { node, within, until, clock } = setUp({ nodes: 5, replicas: 3, shards: 10 });
    await until(node(1).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
    node(1).peers.losesAnswers = true;
    clock.after(300, () => {
      node(1).peers.losesAnswers = false;
    });
    expect((await until(node(1).points.count(strong, within()))).value).toBe(1);
  });

  test('an eventual read leaves a replica that is far behind alone', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 3, shards: 1 });
    await until(node(1).points.count({ consistency: 'eventual' }, within()));
    expect(node(1).peers.requests).toBe(0);
    cluster.log(0).index += 2000;
    await until(node(1).points.count({ consistency: 'eventual' }, within()));
    expect(node(1).peers.requests).toBe(1);
    for (const n of [2, 3]) node(n).down();
    await until(node(1).points.count({ consistency: 'eventual' }, within()));
  });

  test('a node outside of a formed cluster says so', async () => {
    const { cluster, node, within, until } = setUp();
    cluster.isFormed = false;
    await expect(until(node(1).points.count(strong, within()))).rejects.toMatchObject({
      code: 'NOT_A_MEMBER',
    });
    const write = until(node(1).points.upsert(upsertOf(pointOf(1, [1, 0])), within()));
    await expect(write).rejects.toMatchObject({ code: 'NOT_A_MEMBER' });
    expect(node(1).points.locate(parsePointId(1))).toBeUndefined();
  });
});

describe('search', () => {
  const grid = Array.from({ length: 300 }, (_, i) => pointOf(i, [1, i % 50], { i }));

  test('offset and limit cut one ordering, with payloads of the winners, large or small', async () => {
    const { node, within, until } = setUp({ nodes: 5, replicas: 2, shards: 9 });
    await until(node(1).points.upsert(upsertOf(...grid), within()));
    const run = async (o: object): Promise<string[]> =>
      (await until(node(3).points.search(searchOf([0, 1], o), within()))).value.map(({ payload }) =>
        String(payload),
      );
    const all = await run({ limit: 300 });
    expect(new Set(all).size).toBe(300);
    // Equal scores stand in the order of ids.
    expect(all.slice(0, 3)).toEqual(['{"i":49}', '{"i":99}', '{"i":149}']);
    expect(await run({ limit: 5 })).toEqual(all.slice(0, 5));
    expect(await run({ limit: 5, offset: 3 })).toEqual(all.slice(3, 8));
    expect(await run({ limit: 100, offset: 150 })).toEqual(all.slice(150, 250));
    expect(await run({ limit: 10, offset: 295 })).toEqual(all.slice(295));
  });

  test('a threshold takes what is at least as good, before the offset counts', async () => {
    const { node, within, until } = setUp({ nodes: 3 });
    await until(node(1).points.upsert(upsertOf(...grid), within()));
    const request = searchOf([0, 1], { limit: 100, offset: 2, scoreThreshold: 48 });
    const { value } = await until(node(1).points.search(request, within()));
    expect(value.map(({ score }) => score)).toEqual([49, 49, 49, 49, 48, 48, 48, 48, 48, 48]);
  });

  test('payloads and vectors come only when asked for', async () => {
    const { node, within, until } = setUp();
    await until(node(1).points.upsert(upsertOf(pointOf(1, [3, 4], { a: 1 })), within()));
    for (const limit of [10, 1000]) {
      const run = async (o: object): Promise<unknown> =>
        (await until(node(1).points.search(searchOf([1, 0], { limit, ...o }), within()))).value[0];
      expect(await run({ withPayload: false })).toMatchObject({ payload: undefined, vector: undefined });
      expect(await run({ withVector: true })).toMatchObject({
        payload: Buffer.from('{"a":1}'),
        vector: pointOf(1, [3, 4]).vector,
      });
    }
  });

  test.each([3, 20])(
    'a winner that is replaced before its payload is read never keeps its old score: %i times',
    async (times) => {
      const { cluster, node, within, until } = setUp({ shards: 1 });
      await until(node(1).points.upsert(upsertOf(...grid), within()));
      let changes = 0;
      const { shards, points } = node(1);
      shards.beforeFetch = () => {
        changes += 1;
        if (changes > times) return;
        const changed = pointOf(changes, [1, 1000 + changes], { changed: changes });
        cluster.commit(0, encodeCommand({ kind: 'upsert', collection: 1, points: [changed] }, { wallMs: 0 }));
      };
      const { value } = await until(points.search(searchOf([0, 1], { limit: 200 }), within()));
      expect(changes).toBeGreaterThan(3);
      expect(value).toHaveLength(200);
      for (const { payload, score } of value) {
        const { i, changed } = JSON.parse(String(payload)) as { i: number; changed?: number };
        expect(score).toBe(changed === undefined ? i % 50 : 1000 + changed);
      }
    },
  );

  test('a batch answers each search in its place', async () => {
    const { node, within, until } = setUp({ nodes: 5, replicas: 2, shards: 9 });
    await until(node(1).points.upsert(upsertOf(...grid), within()));
    const requests = [
      searchOf([0, 1], { limit: 1 }),
      searchOf([0, -1], { limit: 2 }),
      searchOf([1, 0], { limit: 100 }),
    ];
    const { value } = await until(node(2).points.searchBatch(requests, within()));
    expect(value.map((hits) => hits.length)).toEqual([1, 2, 100]);
    expect(value[1]?.map(idText)).toEqual(['0', '50']);
  });
});

describe.each([
  ['here', { nodes: 1 }],
  ['on other nodes', { nodes: 3, replicas: 1 }],
])('large payloads %s', (_name, options) => {
  const MIB = 1024 * 1024;
  const payload = Buffer.from(JSON.stringify({ x: 'x'.repeat(MIB - 10) }));
  const large = Array.from({ length: 80 }, (_, i) => ({ ...pointOf(i, [1, i]), payload }));

  test('an answer above its limit is refused, without them it is not', async () => {
    const { node, within, until } = setUp({ ...options, shards: 3 });
    await until(node(1).points.upsert(upsertOf(...large), within()));
    const run = (o: object): Promise<unknown> => until(node(1).points.search(searchOf([0, 1], o), within()));
    await expect(run({ limit: 80 })).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    const requests = Array.from({ length: 5 }, () => searchOf([0, 1], { limit: 20 }));
    const batch = until(node(1).points.searchBatch(requests, within()));
    await expect(batch).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect(await run({ limit: 80, withPayload: false })).toMatchObject({ value: { length: 80 } });
    expect(await run({ limit: 40, offset: 30 })).toMatchObject({ value: { length: 40 } });
  });

  test('a page of a scroll ends early, and the next one goes on behind it', async () => {
    const { node, within, until } = setUp({ ...options, shards: 3 });
    await until(node(1).points.upsert(upsertOf(...large), within()));
    const ids: string[] = [];
    let pages = 0;
    for (let cursor: Buffer | undefined, isLast = false; !isLast; pages += 1) {
      const { value } = await until(node(1).points.scroll(scrollOf({ limit: 1000, cursor }), within()));
      ids.push(...value.points.map(idText));
      cursor = value.next;
      isLast = cursor === undefined;
    }
    expect(ids).toEqual(large.map((_, i) => String(i)));
    expect(pages).toBeGreaterThan(1);
  });
});

test('scrolling with any page size visits every id once and in order', async () => {
  const { node, within, until } = setUp({ nodes: 5, replicas: 2, shards: 9 });
  const names = fc.uniqueArray(
    fc.oneof(fc.nat(500).map(String), fc.uuid(), fc.string({ minLength: 1, maxLength: 5 })),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(
      names,
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 5 }),
      async (ids, limit, n) => {
        const { points } = node(n);
        const all = ids.map((id) => parsePointId(id));
        await until(points.upsert(upsertOf(...ids.map((id) => pointOf(id, [1, 0]))), within()));
        const visited: Buffer[] = [];
        let cursor: Buffer | undefined;
        do {
          const { value } = await until(points.scroll(scrollOf({ limit, cursor }), within()));
          visited.push(...value.points.map(({ idKey }) => idKey));
          expect(value.points.length).toBeLessThanOrEqual(limit);
          cursor = value.next === undefined ? undefined : decodeCursor(encodeCursor(value.next));
        } while (cursor !== undefined);
        const expected = [...new Set(all.map(({ key }) => key.toString('hex')))].sort();
        expect(visited.map((key) => key.toString('hex'))).toEqual(expected);
        await until(points.deleteMany({ kind: 'ids', ids: all }, within()));
      },
    ),
    { numRuns: 25 },
  );
});

describe('a node that has just started', () => {
  const calls = (cluster: MemoryCluster, within: () => CallOptions): Promise<unknown>[] => {
    const { points } = cluster.node('node-1');
    return [
      points.delete(parsePointId(1), within()),
      points.deleteMany({ kind: 'ids', ids: [parsePointId(1)] }, within()),
      points.get(parsePointId(1), { ...strong, ...within() }),
      points.search(searchOf([0, 1], { limit: 3 }), within()),
      points.count(strong, within()),
      points.scroll(scrollOf({ limit: 10 }), within()),
    ];
  };

  test('says that the collection is not open yet, and never that nothing is there', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 3 });
    await until(node(1).points.upsert(upsertOf(pointOf(1, [1, 1])), within()));
    node(1).isCollectionOpen = false;
    for (const call of calls(cluster, within)) {
      await expect(until(call)).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
    }
    node(1).isCollectionOpen = true;
    expect(await until(node(1).points.delete(parsePointId(1), within()))).toBe(true);
  });

  test('does not believe an empty map before it has applied its log', async () => {
    const { cluster, node, within, until } = setUp({ nodes: 1, dimension: undefined });
    node(1).hasCurrentMap = false;
    for (const call of calls(cluster, within)) {
      await expect(until(call)).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
    }
    node(1).hasCurrentMap = true;
    expect((await until(node(1).points.count(strong, within()))).value).toBe(0);
  });
});
