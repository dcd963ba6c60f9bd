import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { loadDataset, rowOf } from '../../bench/src/dataset.ts';
import { loadPoints } from '../../bench/src/load-points.ts';
import type { PlanOptions } from '../../bench/src/node-plan.ts';
import { CONFIG_KEYS } from '../../server/src/config/index.ts';
import { call, count, errorCode, inParallel, search, upsert } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { vectorOf } from '../support/vectors.ts';

/**
 * Every key that is in effect changes something that can be seen from outside the process. Keys named in `SHOWN_IN` are
 * shown by another test; all others by one here, whose title begins with the keys.
 */
const SHOWN_IN: Readonly<Record<string, string>> = {
  'server.request_timeout_ms': 'test/integration/three-nodes.test.ts',
  'cluster.initial_peers': 'test/integration/formation.test.ts',
  'cluster.join_cluster': 'test/integration/formation.test.ts',
  'cluster.seed_nodes': 'test/integration/formation.test.ts',
  'cluster.enabled': 'test/integration/formation.test.ts',
  'cluster.cluster_token': 'test/integration/formation.test.ts',
  'cluster.cluster_id': 'test/integration/formation.test.ts',
  'cluster.auto_rejoin': 'test/integration/rejoin.test.ts',
  'raft.lease_reads': 'test/integration/leases.test.ts',
  'raft.election_timeout_ms': 'test/integration/shutdown.test.ts',
  'raft.log_compaction_threshold': 'test/integration/snapshots.test.ts',
  'sharding.migration_rate_mb_per_sec': 'server/src/raft/driver/snapshots.test.ts',
  'storage.disk_soft_limit_mb': 'test/integration/full-disk.test.ts',
  'storage.disk_hard_limit_mb': 'test/integration/full-disk.test.ts',
  'storage.disk_ballast_mb': 'test/integration/full-disk.test.ts',
  'raft.max_append_entries': 'server/src/raft/core/scenarios/max-append-entries.txt',
};

const shownHere = new Set<string>();

jest.setTimeout(180_000);

/** One test per group of keys: `body` gets a running node or cluster with `set` over the guide's file. */
function shows(
  keys: readonly string[],
  what: string,
  options: { set: PlanOptions['set']; nodeCount?: number; dimension?: number; env?: Record<string, string> },
  body: (cluster: LocalCluster, url: string) => Promise<void>,
): void {
  for (const key of keys) shownHere.add(key);
  test(`${keys.join(', ')}: ${what}`, async () => {
    const { set, nodeCount = 1, ...others } = options;
    await withCluster({ nodeCount, ...others, set: set ?? {} }, async (cluster) => {
      await cluster.startAll();
      await cluster.allReady();
      await body(cluster, cluster.url('node-1'));
    });
  });
}

const metric = async (url: string, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
};

const accepts = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const dataOf = (cluster: LocalCluster, ...path: string[]): string =>
  join(cluster.node('node-1').directory, 'data', ...path);

shows(
  ['server.host', 'server.rest_port', 'server.grpc_port', 'server.data_dir', 'cluster.raft_port'],
  'every listener binds to the address and its port, and the data lies where it is told to',
  { set: { 'server.host': '127.0.0.1' } },
  async (cluster) => {
    const { restPort, grpcPort, raftPort, metricsPort } = cluster.node('node-1');
    for (const port of [restPort, grpcPort, raftPort, metricsPort]) {
      expect([await accepts(port, '127.0.0.1'), await accepts(port, '127.0.0.2')]).toEqual([true, false]);
    }
    expect(await readdir(dataOf(cluster))).toEqual(expect.arrayContaining(['identity', 'raft', 'data']));
  },
);

shows(
  ['server.log_level', 'server.max_body_mb', 'server.memory_limit_mb', 'server.worker_threads'],
  'the log is quiet, large bodies are refused, the limit is a metric, the pool has so many threads',
  {
    dimension: 8,
    set: {
      'server.log_level': 'error',
      'server.max_body_mb': 1,
      'server.memory_limit_mb': 777,
      'server.worker_threads': 1,
    },
  },
  async (cluster, url) => {
    const large = await call(url, 'POST', '/vectors', `{"x":"${'y'.repeat(2 * 1024 * 1024)}"}`);
    expect([large.status, errorCode(large)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await metric(url, 'grape_memory_limit_bytes')).toBe(777 * 1024 * 1024);
    await upsert(url, { id: 1, vector: vectorOf(1, 8) });
    await inParallel(200, 50, async () => {
      await search(url, { vector: vectorOf(1, 8), limit: 1 });
    });
    const tasks = `/proc/${String(cluster.pid('node-1'))}/task`;
    const names = await Promise.all(
      (await readdir(tasks)).map((task) => readFile(join(tasks, task, 'comm'), 'utf8')),
    );
    expect(names.filter((name) => name.startsWith('grape-short'))).toHaveLength(1);
    const log = await readFile(join(cluster.node('node-1').directory, 'server.log'), 'utf8');
    expect(log).not.toMatch(/ (INFO|WARN) /);
  },
);

shows(
  ['server.admin_auth'],
  'with "token" administration needs the cluster token and points do not',
  { dimension: 8, set: { 'server.admin_auth': 'token', 'cluster.cluster_token': 'a-secret' } },
  async (_cluster, url) => {
    const info = (token: string): Promise<Response> =>
      fetch(`${url}/cluster/info`, { headers: { authorization: `Bearer ${token}` } });
    expect([(await fetch(`${url}/cluster/info`)).status, (await info('wrong')).status]).toEqual([401, 401]);
    expect((await info('a-secret')).status).toBe(200);
    expect(await count(url)).toBe(0);
  },
);

shows(
  ['cluster.node_id', 'cluster.node_address', 'cluster.rest_address', 'cluster.raft_address', 'cluster.zone'],
  'the node is known under its name, addresses and zone',
  {
    set: {
      'cluster.node_id': 'alpha',
      'cluster.node_address': '127.0.0.1:1111',
      'cluster.rest_address': '127.0.0.1:2222',
      'cluster.raft_address': '127.0.0.1:3333',
      'cluster.zone': 'east',
    },
  },
  async (_cluster, url) => {
    const { nodes } = (await call(url, 'GET', '/cluster/nodes')).body as { nodes: unknown[] };
    expect(nodes).toEqual([
      expect.objectContaining({
        node_id: 'alpha',
        grpc_address: '127.0.0.1:1111',
        rest_address: '127.0.0.1:2222',
        raft_address: '127.0.0.1:3333',
        zone: 'east',
      }),
    ]);
  },
);

shows(
  ['cluster.cluster_token_previous'],
  'nodes whose tokens rotate form one cluster',
  {
    nodeCount: 3,
    dimension: 8,
    set: { 'cluster.cluster_token': 'new', 'cluster.cluster_token_previous': 'old' },
  },
  async (cluster) => {
    await cluster.stop('node-3');
    await cluster.start('node-3', {
      'cluster.cluster_token': 'old',
      'cluster.cluster_token_previous': 'older',
    });
    await cluster.whenReady('node-3');
    expect((await upsert(cluster.url('node-3'), { id: 1, vector: vectorOf(1, 8) })).status).toBe(200);
  },
);

test('raft.heartbeat_interval_ms: idle nodes exchange more with a shorter interval', async () => {
  const bytes: number[] = [];
  for (const interval of [50, 450]) {
    await withCluster(
      { nodeCount: 3, dimension: 8, set: { 'raft.heartbeat_interval_ms': interval } },
      async (cluster) => {
        await cluster.startAll();
        await cluster.allReady();
        const elections = async (): Promise<string> =>
          (await (await fetch(`http://127.0.0.1:${cluster.node('node-1').raftPort}/raft/metrics`)).text())
            .split('\n')
            .filter((line) => line.startsWith('grape_raft_append_latency_seconds_count'))
            .join();
        expect(await elections()).toContain('shard="meta"');
        const sent = (): Promise<number> =>
          metric(cluster.url('node-1'), 'grape_network_sent_bytes_total\\{plane="raft"\\}');
        const before = await sent();
        const start = performance.now();
        await cluster.until('some seconds have passed', 10_000, () =>
          Promise.resolve(performance.now() - start > 3000),
        );
        bytes.push((await sent()) - before);
      },
    );
  }
  expect(bytes[0]! / bytes[1]!).toBeGreaterThan(1.5);
});
shownHere.add('raft.heartbeat_interval_ms');

describe.each([
  [10, true],
  [1_000_000, false],
])('raft.snapshot_interval of %d', (interval, isFlushed) => {
  shows(
    ['raft.snapshot_interval'],
    `40 writes to one shard ${isFlushed ? 'are' : 'are not'} flushed to tables`,
    { dimension: 8, set: { 'raft.snapshot_interval': interval, 'sharding.shard_count': 1 } },
    async (cluster, url) => {
      const tables = async (): Promise<string[]> =>
        (await readdir(dataOf(cluster, 'data'))).filter((name) => name.endsWith('.sst'));
      const before = (await tables()).length;
      for (let id = 0; id < 40; id += 1) await upsert(url, { id, vector: vectorOf(id, 8) });
      if (isFlushed)
        await cluster.until('a table appears', 10_000, async () => (await tables()).length > before);
      else expect(await tables()).toHaveLength(before);
    },
  );
});

shows(
  ['sharding.shard_count', 'sharding.replica_count'],
  'so many shards with so many replicas each; every node answers for all',
  { nodeCount: 3, dimension: 8, set: { 'sharding.shard_count': 5, 'sharding.replica_count': 1 } },
  async (cluster, url) => {
    const { shards } = (await call(url, 'GET', '/cluster/shards')).body as {
      shards: { replicas: unknown[] }[];
    };
    expect(shards.map((shard) => shard.replicas.length)).toEqual([1, 1, 1, 1, 1]);
    for (let id = 0; id < 30; id += 1) {
      expect(
        (await upsert(cluster.url(`node-${(id % 3) + 1}`), { id, vector: vectorOf(id, 8) })).status,
      ).toBe(200);
    }
    for (const node of cluster.nodes) {
      expect(await count(cluster.url(node.nodeId))).toBe(30);
      expect(await search(cluster.url(node.nodeId), { vector: vectorOf(7, 8), limit: 30 })).toHaveLength(30);
    }
  },
);

shows(
  ['vector.dimension', 'vector.distance_metric'],
  'other dimensions are refused and scores are distances',
  { dimension: 3, set: { 'vector.distance_metric': 'euclidean' } },
  async (_cluster, url) => {
    expect(errorCode(await upsert(url, { id: 1, vector: [1, 2] }))).toBe('DIMENSION_MISMATCH');
    await upsert(url, { id: 1, vector: [0, 3, 4] });
    expect(await search(url, { vector: [0, 0, 0], limit: 1 })).toMatchObject([{ id: 1, score: 5 }]);
  },
);

describe.each([
  [true, 64, 32],
  [false, 16, 8],
])('compression %s, cache %d MB, write buffers %d MB', (isCompressed, cacheMb, buffersMb) => {
  shows(
    ['storage.compression_enabled', 'storage.cache_size_mb', 'storage.write_buffer_size_mb'],
    'RocksDB is opened so',
    {
      set: {
        'storage.compression_enabled': isCompressed,
        'storage.cache_size_mb': cacheMb,
        'storage.write_buffer_size_mb': buffersMb,
      },
    },
    async (cluster) => {
      const read = async (name: RegExp): Promise<string> => {
        const file = (await readdir(dataOf(cluster, 'data')))
          .filter((each) => name.test(each))
          .sort()
          .at(-1);
        return readFile(dataOf(cluster, 'data', file!), 'utf8');
      };
      const options = await read(/^OPTIONS-/);
      expect(/^\s*compression=kNoCompression/m.test(options)).toBe(!isCompressed);
      // Three quarters of the buffers are the data store's, in two memtables; 15 of 16 parts of the cache.
      expect(options).toMatch(
        new RegExp(`^\\s*write_buffer_size=${String((buffersMb * 1024 * 1024 * 3) / 4 / 2)}$`, 'm'),
      );
      expect(await read(/^LOG$/)).toContain(`capacity : ${String((cacheMb * 1024 * 1024 * 15) / 16)}`);
    },
  );
});

test('index.m, index.ef_construction, index.ef_search: richer graphs and wider searches find more', async () => {
  const data = await loadDataset('sample');
  const found: number[] = [];
  for (const [m, efConstruction, efSearch] of [
    [4, 4, 10],
    [24, 4, 10],
    [24, 200, 10],
    [24, 200, 200],
  ] as const) {
    const set = { 'index.m': m, 'index.ef_construction': efConstruction, 'index.ef_search': efSearch };
    await withCluster({ nodeCount: 1, dimension: data.dimension, set }, async (cluster) => {
      await cluster.startAll();
      await cluster.allReady();
      const url = cluster.url('node-1');
      const ports = [cluster.node('node-1').restPort];
      await loadPoints(data, { from: 0, to: data.count }, { ports, batchPoints: 100, connections: 2 });
      await cluster.until(
        'all is linked',
        60_000,
        async () => (await metric(url, 'grape_index_unlinked')) === 0,
      );
      let hits = 0;
      await inParallel(200, 8, async (query) => {
        const vector = Array.from(rowOf(data.queries, query, data.dimension));
        const exact = await search(url, { vector, limit: 10, exact: true });
        const ids = new Set((await search(url, { vector, limit: 10 })).map((hit) => hit.id));
        hits += exact.filter((hit) => ids.has(hit.id)).length;
      });
      found.push(hits);
    });
  }
  expect(found).toEqual([...found].sort((a, b) => a - b));
  expect(new Set(found).size).toBe(4);
});
for (const key of ['index.m', 'index.ef_construction', 'index.ef_search']) shownHere.add(key);

test('vector.binary_quantization: the index takes less memory and finds the same', async () => {
  const bytes: number[] = [];
  for (const isBinary of [false, true]) {
    const set = { 'vector.binary_quantization': isBinary, 'monitoring.metrics_interval_secs': 1 };
    await withCluster({ nodeCount: 1, dimension: 768, set }, async (cluster) => {
      await cluster.startAll();
      await cluster.allReady();
      const url = cluster.url('node-1');
      await inParallel(200, 8, async (id) => {
        await upsert(url, { id, vector: vectorOf(id, 768) });
      });
      const linked = async (): Promise<boolean> =>
        (await metric(url, 'grape_index_live')) === 200 && (await metric(url, 'grape_index_unlinked')) === 0;
      await cluster.until('all is linked', 60_000, linked);
      const hits = await search(url, { vector: vectorOf(7, 768), limit: 1 });
      expect(hits[0]).toMatchObject({ id: 7 });
      bytes.push(await metric(url, 'grape_index_bytes'));
    });
  }
  // 640 bytes of codes a point; what the linker has in reserve depends on when it was asked.
  expect((bytes[0]! - bytes[1]!) / 200).toBeGreaterThan(400);
});
shownHere.add('vector.binary_quantization');

shows(
  ['monitoring.prometheus_enabled'],
  'no metrics port when off',
  { set: { 'monitoring.prometheus_enabled': false } },
  async (cluster) => {
    expect(await accepts(cluster.node('node-1').metricsPort)).toBe(false);
  },
);

shows(
  ['monitoring.prometheus_port', 'monitoring.metrics_interval_secs'],
  'gauges follow within the interval, on their own port',
  { dimension: 8, set: { 'monitoring.metrics_interval_secs': 1, 'sharding.shard_count': 1 } },
  async (cluster, url) => {
    await upsert(url, { id: 1, vector: vectorOf(1, 8) });
    const own = `http://127.0.0.1:${String(cluster.node('node-1').metricsPort)}`;
    await cluster.until(
      'the gauge follows',
      8_000,
      async () => (await metric(own, 'grape_vectors_total')) === 1,
    );
  },
);

test('every key in effect is shown by a test', async () => {
  for (const key of CONFIG_KEYS.filter(({ later }) => later === undefined)) {
    const file = SHOWN_IN[key.path];
    if (file !== undefined) await readFile(join(__dirname, '..', '..', file));
    expect([key.path, file !== undefined || shownHere.has(key.path)]).toEqual([key.path, true]);
  }
});
