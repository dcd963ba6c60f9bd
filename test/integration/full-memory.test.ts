import {
  call,
  callWith,
  count,
  errorCode,
  inParallel,
  type Reply,
  search,
  upsert,
} from '../support/client.ts';
import { untilLogged, withCluster } from '../support/cluster.ts';

const DIMENSION = 1_024;
const BATCH = 100;
/** More than would fit. */
const BATCHES_MAX = 1_000;
const LIMIT_MB = 448;
const SET = {
  'server.memory_limit_mb': LIMIT_MB,
  'server.request_timeout_ms': 60_000,
  'sharding.shard_count': 2,
  'storage.cache_size_mb': 16,
  'storage.write_buffer_size_mb': 16,
  'monitoring.metrics_interval_secs': 1,
  'index.m': 8,
  'index.ef_construction': 20,
};

jest.setTimeout(300_000);

/** `grape_memory_part_bytes` by part, with the plain gauges of memory and indexes. */
async function gauges(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [
    ...text.matchAll(/^grape_(?:memory_part_bytes\{part="(\w+)"\}|((?:memory|index)_\w+)) (\S+)$/gm),
  ];
  return Object.fromEntries(
    values.map(([, part, name, value]) => [part ?? name ?? '', Number(value)] as const),
  );
}

function put(url: string, firstId: number): Promise<Reply> {
  const points = Array.from({ length: BATCH }, (_, at) => {
    const id = firstId + at;
    return { id, vector: Array.from({ length: DIMENSION }, (_, n) => ((id * 31 + n * 17) % 97) / 97) };
  });
  return callWith({}, { url, method: 'POST', path: '/vectors', body: { points }, timeoutMs: 90_000 });
}

test('upserts are refused before the memory is used up, everything else goes on, and deletions make room', async () => {
  await withCluster({ nodeCount: 1, dimension: DIMENSION, set: SET }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const url = cluster.url('node-1');
    expect((await put(url, 0)).status).toBe(200);
    const few = await gauges(url);

    const done: number[] = [0];
    let refused: Reply | undefined;
    await inParallel(BATCHES_MAX, 4, async (n) => {
      if (refused !== undefined) return;
      const firstId = (n + 1) * BATCH;
      const reply = await put(url, firstId);
      if (reply.status === 200) done.push(firstId);
      else refused ??= reply;
    });
    expect(errorCode(refused!)).toBe('TOO_MANY_REQUESTS');
    expect(Number(refused!.headers.get('retry-after'))).toBeGreaterThan(0);
    const points = done.length * BATCH;
    expect(points).toBeGreaterThan(5_000);

    const many = await gauges(url);
    expect(many['memory_short']).toBe(1);
    expect(many['memory_used_bytes']).toBeLessThan(LIMIT_MB * 2 ** 20);
    // A refused batch may have been taken by the other shard.
    const slots = many['index_live']! - few['index_live']!;
    expect(many['codes']! - few['codes']!).toBeGreaterThanOrEqual(slots * DIMENSION);
    expect(many['codes']! - few['codes']!).toBeLessThan(1.25 * slots * DIMENSION);
    expect(many['originals']! - few['originals']!).toBe(slots * DIMENSION * 4);
    const parts = [
      'codes',
      'originals',
      'graph',
      'ids',
      'rocksdb_cache',
      'rocksdb_memtables',
      'js_heap',
      'js_buffers',
    ];
    const known = parts.reduce((sum, part) => sum + many[part]!, 0);
    expect(known).toBeGreaterThan(0.3 * many['memory_usage_bytes']!);
    expect(known).toBeLessThan(1.1 * many['memory_usage_bytes']!);

    const health = await call(url, 'GET', '/health');
    expect(health.body).toMatchObject({ status: 'degraded' });
    expect(String(health.body['reason'])).toMatch(/the memory of this node is almost used up/);
    await untilLogged(cluster, 'node-1', /the memory is almost used up: upserts are refused/);
    const vector = Array.from({ length: DIMENSION }, (_, n) => ((n * 17) % 97) / 97);
    expect((await search(url, { vector, limit: 1, exact: true }))[0]?.id).toBe(0);

    const stored = await count(url);
    const gone = Array.from({ length: points - BATCH }, (_, n) => n + BATCH);
    await inParallel(gone.length, 16, async (n) => {
      await call(url, 'DELETE', `/vectors/${String(gone[n])}`);
    });
    expect(await count(url)).toBeLessThan(stored / 2);
    await cluster.until('room in memory', 60_000, async () => (await gauges(url))['memory_short'] === 0);
    expect((await gauges(url))['index_rebuilds_total']).toBeGreaterThan(0);
    await upsert(url, { id: 1, vector });
    expect((await call(url, 'GET', '/health')).body).toMatchObject({ status: 'healthy' });
  });
});
