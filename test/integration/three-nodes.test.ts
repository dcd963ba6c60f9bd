import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { call, count, errorCode, inParallel, search, upsert } from '../support/client.ts';
import { vectorOf } from '../support/vectors.ts';
import { BackgroundWriter } from '../support/writer.ts';

const DIMENSION = 768;
const GUIDE = {
  'vector.binary_quantization': true,
  'index.m': 32,
  'index.ef_construction': 400,
  'index.ef_search': 200,
};
const NODES = ['node-1', 'node-2', 'node-3'];

jest.setTimeout(240_000);

const urlsOf = (cluster: LocalCluster): string[] =>
  NODES.filter((nodeId) => cluster.isRunning(nodeId)).map((nodeId) => cluster.url(nodeId));

test('a write through any node is readable and searchable on every node at once', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: GUIDE }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const urls = urlsOf(cluster);
    await inParallel(2000, 16, async (id) => {
      const vector = vectorOf(id, DIMENSION);
      const written = await upsert(urls[id % 3]!, { id, vector, payload: { id } });
      expect(written).toMatchObject({ status: 200, body: { id, status: 'ok' } });
      await Promise.all(
        urls.map(async (url) => {
          const read = await call(url, 'GET', `/vectors/${id}`);
          expect(read).toMatchObject({ status: 200, body: { id, payload: { id } } });
          const hits = await search(url, { vector, limit: 1 });
          expect(hits[0]).toMatchObject({ id, payload: { id } });
        }),
      );
    });
    expect(await Promise.all(urls.map((url) => count(url)))).toEqual([2000, 2000, 2000]);
  });
});

test('kill -9 of each node in turn during writes, and of all at once, loses no acknowledged write', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: GUIDE }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const acknowledged = new Set<number>();
    const victims = await byShardsLed(cluster);
    for (const [round, victim] of victims.entries()) {
      const writer = new BackgroundWriter({
        urls: () => urlsOf(cluster),
        dimension: DIMENSION,
        firstId: (round + 1) * 1_000_000,
      });
      await untilWritten(cluster, writer, 50);
      await cluster.stop(victim, 'SIGKILL');
      await untilWritten(cluster, writer, writer.acknowledged.length + 100);
      await writer.stop();
      expect(writer.longestGapMs).toBeLessThan(5000);
      for (const id of writer.acknowledged) acknowledged.add(id);
      await expectAllThere(urlsOf(cluster), acknowledged);
      await cluster.start(victim);
      await cluster.whenReady(victim);
      await untilCaughtUp(cluster, victim, acknowledged);
    }

    const writer = new BackgroundWriter({
      urls: () => urlsOf(cluster),
      dimension: DIMENSION,
      firstId: 9_000_000,
    });
    await untilWritten(cluster, writer, 50);
    await cluster.stopAll('SIGKILL');
    await writer.stop();
    for (const id of writer.acknowledged) acknowledged.add(id);
    await cluster.startAll();
    await cluster.allReady();
    await expectAllThere(urlsOf(cluster), acknowledged);
  });
});

test('with two of three nodes down writes and strong reads are refused in time and eventual reads go on', async () => {
  const timeoutMs = 2000;
  const set = { ...GUIDE, 'server.request_timeout_ms': timeoutMs };
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const url = cluster.url('node-1');
    const vector = vectorOf(1, DIMENSION);
    expect(await upsert(url, { id: 1, vector })).toMatchObject({ status: 200 });
    await Promise.all([cluster.stop('node-2', 'SIGKILL'), cluster.stop('node-3', 'SIGKILL')]);

    for (let round = 0; round < 3; round += 1) {
      const start = performance.now();
      const [write, read, found, eventualRead, eventualHits] = await Promise.all([
        upsert(url, { id: 2, vector }),
        call(url, 'GET', '/vectors/1'),
        call(url, 'POST', '/vectors/search', { vector, limit: 1 }),
        call(url, 'GET', '/vectors/1?consistency=eventual'),
        search(url, { vector, limit: 1, consistency: 'eventual' }),
      ]);
      expect(performance.now() - start).toBeLessThan(timeoutMs + 1000);
      expect([503, 504]).toContain(write.status);
      expect(read.status).toBe(503);
      expect(errorCode(read)).toBe('SHARD_UNAVAILABLE');
      expect(found.status).toBe(503);
      expect(eventualRead).toMatchObject({ status: 200, body: { id: 1 } });
      expect(eventualRead.headers.get('x-grape-staleness-ms')).toMatch(/^\d+$/);
      expect(eventualHits[0]).toMatchObject({ id: 1 });
    }
    await cluster.until('health names the missing quorum', 10_000, async () => {
      const health = await call(url, 'GET', '/health');
      return health.status === 503 && /quorum|leader/.test(String(health.body['reason']));
    });
    // No leader is left after CheckQuorum: the write is surely not proposed.
    expect(await upsert(url, { id: 3, vector })).toMatchObject({
      status: 503,
      body: { error: { retryable: true } },
    });
  });
});

/** Node ids, the one that leads most shards first. */
async function byShardsLed(cluster: LocalCluster): Promise<string[]> {
  const reply = await call(cluster.url('node-1'), 'GET', '/cluster/nodes');
  const nodes = reply.body['nodes'] as { node_id: string; shards_led: number }[];
  return nodes.sort((a, b) => b.shards_led - a.shards_led).map((node) => node.node_id);
}

async function untilWritten(cluster: LocalCluster, writer: BackgroundWriter, total: number): Promise<void> {
  await cluster.until(`${total} writes are acknowledged`, 30_000, () =>
    Promise.resolve(writer.acknowledged.length >= total),
  );
}

async function expectAllThere(urls: readonly string[], ids: ReadonlySet<number>): Promise<void> {
  const all = [...ids];
  const missing: number[] = [];
  await inParallel(all.length, 16, async (i) => {
    const id = all[i]!;
    const reply = await call(urls[i % urls.length]!, 'GET', `/vectors/${id}`);
    if (reply.status !== 200) missing.push(id);
  });
  expect(missing).toEqual([]);
}

/** The node's own replicas hold everything: read there without asking anybody. */
async function untilCaughtUp(cluster: LocalCluster, nodeId: string, ids: ReadonlySet<number>): Promise<void> {
  const url = cluster.url(nodeId);
  await cluster.until(`${nodeId} has caught up`, 30_000, async () => {
    const held = await count(url, { consistency: 'eventual' }).catch(() => 0);
    return held >= ids.size;
  });
  await cluster.until(`${nodeId} is healthy again`, 30_000, async () => {
    const reply = await call(cluster.url('node-1'), 'GET', '/cluster/nodes');
    const nodes = reply.body['nodes'] as { node_id: string; state: string }[];
    return nodes.find((node) => node.node_id === nodeId)?.state === 'healthy';
  });
}
