import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, systemClock } from '../base/index.ts';
import { NO_PAYLOAD_INDEXES, type IndexedCollection } from '../model/index.ts';
import { silentLogger } from '../observability/index.ts';
import { type DataDirectory, MemoryKv, openDataDirectory, RAFT_DIRECTORY } from '../storage/index.ts';
import { ClusterNode } from './cluster-node.ts';
import type { CommittedBatch, LocalShards } from './ports.ts';
import { guideStyle, optionsOf, peer, SETTINGS, sharedStyle } from './testing/formation-bench.ts';
import { LoopbackNetwork } from './testing/loopback-network.ts';
import { SharedLogs } from './testing/shared-logs.ts';
import type { ClusterOptions } from './types.ts';

jest.setTimeout(30_000);

const NODES = ['node-1', 'node-2', 'node-3'];

/** Shards that count entries: enough of a state machine to see what the cluster starts. */
class CountingShards implements LocalShards {
  readonly opened: number[] = [];
  readonly collections: IndexedCollection[] = [];
  readonly #applied = new Map<number, number>();

  openShard(shard: number): void {
    this.opened.push(shard);
  }

  openSnapshot(): Promise<never> {
    return Promise.reject(new Error('no shard lags here'));
  }

  beginInstall(): Promise<never> {
    return this.openSnapshot();
  }

  switchTo(): Promise<never> {
    return this.openSnapshot();
  }

  reset(): Promise<never> {
    return this.openSnapshot();
  }

  durableApplied(shard: number): number {
    return this.applied(shard);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  applied(shard: number): number {
    return this.#applied.get(shard) ?? 0;
  }

  vectors(shard: number): number {
    return this.applied(shard);
  }

  setPayloadIndexes(): Promise<void> {
    return Promise.resolve();
  }

  setCollection(schema: IndexedCollection): Promise<void> {
    this.collections.push(schema);
    return Promise.resolve();
  }

  apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]> {
    for (const { group, entries } of batches) this.#applied.set(group, entries.at(-1)?.index ?? 0);
    return Promise.resolve(batches.map(({ entries }) => entries.map(() => 'applied')));
  }
}

interface Running {
  readonly cluster: ClusterNode;
  readonly shards: CountingShards;
  readonly directory: DataDirectory;
  readonly fatal: Error[];
}

class Bench {
  readonly clock = new FakeClock();
  readonly network = new LoopbackNetwork();
  readonly logs = new SharedLogs();
  readonly #stores = new Map<string, MemoryKv>();
  readonly #running = new Map<string, Running>();
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  node(nodeId: string): Running {
    return this.#running.get(nodeId)!;
  }

  async start(options: ClusterOptions): Promise<void> {
    const { nodeId } = options;
    const path = join(this.#root, nodeId);
    const directory = await openDataDirectory(path);
    await mkdir(join(path, RAFT_DIRECTORY), { recursive: true });
    const data = this.#stores.get(nodeId) ?? new MemoryKv('data');
    this.#stores.set(nodeId, data);
    const shards = new CountingShards();
    const fatal: Error[] = [];
    const cluster = await ClusterNode.open({
      options,
      directory,
      data,
      holdsData: false,
      disk: () => ({ state: 'ok', availableBytes: 1e9 }),
      memory: () => ({ isShort: false, usedBytes: 1, limitBytes: 2 }),
      shards,
      clock: this.clock,
      logger: silentLogger,
      onFatal: (error) => fatal.push(error),
      onForgotten: (reason) => fatal.push(new Error(reason)),
    }).catch(async (error: unknown) => {
      await directory.close();
      throw error;
    });
    const peers = this.network.join(addressOf(nodeId), {
      hello: () => cluster.hello(),
      refusal: (from, purpose) => cluster.refusal(from, purpose),
    });
    const groups = this.logs.host(nodeId, () => cluster.hello().clusterId, cluster.applier);
    this.#running.set(nodeId, { cluster, shards, directory, fatal });
    cluster.start({ groups, peers });
  }

  /** Ends the node; what its store had not flushed is lost, as at a crash. */
  async stop(nodeId: string): Promise<void> {
    const { cluster, directory } = this.node(nodeId);
    this.network.leave(addressOf(nodeId));
    this.logs.leave(nodeId);
    this.#running.delete(nodeId);
    await cluster.stop();
    await directory.close();
    const store = this.#stores.get(nodeId);
    if (store !== undefined) this.#stores.set(nodeId, store.crash());
  }

  async until(condition: () => boolean): Promise<void> {
    const deadlineMs = systemClock.nowMs() + 10_000;
    while (!condition() && systemClock.nowMs() < deadlineMs) await this.step();
    if (!condition()) throw new Error('the condition never held');
  }

  /** Lets `ms` pass with everything that happens in them. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) await this.step();
  }

  async step(): Promise<void> {
    this.clock.advance(100);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  async formed(nodeIds: readonly string[]): Promise<void> {
    await this.until(() =>
      nodeIds.every((nodeId) => this.node(nodeId).cluster.reports.health().status === 'healthy'),
    );
  }

  async close(): Promise<void> {
    for (const nodeId of [...this.#running.keys()]) await this.stop(nodeId);
    await rm(this.#root, { recursive: true, force: true });
  }
}

function addressOf(nodeId: string): { host: string; port: number } {
  return { host: `host-of-${nodeId}`, port: 7000 };
}

let bench: Bench;

beforeEach(async () => {
  bench = new Bench(await mkdtemp(join(tmpdir(), 'grape-cluster-')));
});

afterEach(async () => {
  await bench.close();
});

async function startAll(files: readonly ClusterOptions[]): Promise<void> {
  for (const options of files) await bench.start(options);
}

test('founders agree on one map, make the collection and start the shards that they hold', async () => {
  await startAll(guideStyle(NODES));
  await bench.formed(NODES);
  const maps = NODES.map((nodeId) => bench.node(nodeId).cluster.map());
  expect(maps[1]).toEqual(maps[0]);
  expect(maps[2]).toEqual(maps[0]);
  expect(maps[0]).toMatchObject({ settings: SETTINGS, members: NODES.map((nodeId) => ({ nodeId })) });
  for (const nodeId of NODES) {
    const { shards, cluster } = bench.node(nodeId);
    expect(shards.opened).toEqual([0, 1, 2, 3]);
    const schema = { id: 1, name: 'default', dimension: 8, metric: 'cosine', m: 16, ...NO_PAYLOAD_INDEXES };
    expect(cluster.collection()).toEqual(schema);
    expect(shards.collections).toEqual([{ ...schema, binaryQuantization: SETTINGS.binaryQuantization }]);
  }
});

test('before it is formed a node says so in every report', async () => {
  await bench.start(sharedStyle(NODES)[0]!);
  await bench.pass(1_000);
  const { cluster } = bench.node('node-1');
  expect(cluster.map()).toBeUndefined();
  expect(cluster.reports.health()).toMatchObject({
    status: 'unavailable',
    reason: expect.stringContaining('node-2') as string,
  });
  expect(() => cluster.reports.info()).toThrow(expect.objectContaining({ code: 'NOT_A_MEMBER' }) as Error);
  await expect(cluster.ensureCollection(8)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' });
});

test('every node reports the same cluster, in the shape of the API', async () => {
  await startAll(sharedStyle(NODES));
  await bench.formed(NODES);
  await bench.pass(2_000);
  const infos = NODES.map((nodeId) => bench.node(nodeId).cluster.reports.info());
  expect(infos[0]).toEqual({
    cluster_id: bench.node('node-1').cluster.map()?.clusterId,
    node_id: 'node-1',
    leader_id: 'node-1',
    term: 1,
    state: 'healthy',
    nodes: { total: 3, healthy: 3 },
    shards: { total: 4, leaderless: 0, under_replicated: 0, migrating: 0 },
    replica_count: 3,
    vectors: 0,
    metadata_version: 1,
    version: '0.0.0-test',
  });
  for (const [position, nodeId] of NODES.entries()) {
    expect(infos[position]).toEqual({ ...infos[0], node_id: nodeId });
    expect(bench.node(nodeId).cluster.reports.shards()).toEqual(
      bench.node('node-1').cluster.reports.shards(),
    );
  }
  const { nodes } = bench.node('node-3').cluster.reports.nodes();
  expect(nodes.map(({ node_id, state, role }) => [node_id, state, role])).toEqual([
    ['node-1', 'healthy', 'leader'],
    ['node-2', 'healthy', 'follower'],
    ['node-3', 'healthy', 'follower'],
  ]);
  expect(bench.node('node-1').cluster.reports.shards().shards[3]).toMatchObject({
    shard_id: 3,
    state: 'healthy',
    leader: 'node-1',
    preferred_leader: 'node-3',
    replicas: NODES.map((node_id) => ({ node_id, role: 'voter', state: 'replicating' })),
  });
});

test('a silent node becomes suspect, then down, and healthy again when it is back; nobody forgets it', async () => {
  const files = sharedStyle(NODES);
  await startAll(files);
  await bench.formed(NODES);
  await bench.pass(1_500);
  const { cluster } = bench.node('node-1');
  const stateOf3 = (): string | undefined => cluster.reports.nodes().nodes[2]?.state;
  expect(stateOf3()).toBe('healthy');
  await bench.stop('node-3');
  await bench.pass(4_500);
  expect(stateOf3()).toBe('suspect');
  await bench.pass(7_000);
  expect(stateOf3()).toBe('down');
  expect(cluster.reports.info()).toMatchObject({
    state: 'degraded',
    nodes: { total: 3, healthy: 2 },
    shards: { leaderless: 0, under_replicated: 4 },
  });
  await bench.start(files[2]!);
  await bench.until(() => stateOf3() === 'healthy');
});

test('a node that reaches no majority says that nothing can be written or read strongly', async () => {
  await startAll(sharedStyle(NODES));
  await bench.formed(NODES);
  await bench.stop('node-2');
  await bench.stop('node-3');
  const { cluster } = bench.node('node-1');
  expect(cluster.reports.health()).toMatchObject({
    status: 'unavailable',
    reason: 'every shard (4 of 4) cannot be written or read strongly here: no leader in reach',
  });
  await bench.pass(12_000);
  expect(cluster.reports.info()).toMatchObject({
    state: 'unavailable',
    leader_id: null,
    shards: { leaderless: 4 },
  });
});

test('after a crash of all nodes the map is there again before any of them speaks', async () => {
  const files = guideStyle(NODES);
  await startAll(files);
  await bench.formed(NODES);
  const before = bench.node('node-2').cluster.map();
  for (const nodeId of NODES) await bench.stop(nodeId);
  await bench.start(files[1]!);
  expect(bench.node('node-2').cluster.map()).toEqual(before);
  await bench.start(files[0]!);
  await bench.formed(['node-1', 'node-2']);
});

test('a single node forms alone and latches the dimension with the first write, for good', async () => {
  const settings = { ...SETTINGS, dimension: undefined };
  const single = optionsOf('node-1', { initialPeers: [peer('node-1')], settings });
  await bench.start(single);
  await bench.formed(['node-1']);
  const { cluster } = bench.node('node-1');
  expect(cluster.collection()).toBeUndefined();
  const [first, second] = await Promise.all([cluster.ensureCollection(3), cluster.ensureCollection(5)]);
  expect([first.dimension, second.dimension]).toEqual([3, 3]);
  expect(cluster.collection()?.dimension).toBe(3);
  await bench.stop('node-1');
  await bench.start(single);
  await bench.formed(['node-1']);
  expect(bench.node('node-1').cluster.collection()?.dimension).toBe(3);
});

test('a file that sets another value than the cluster has is refused, both named', async () => {
  const [file] = sharedStyle(['node-1']);
  await bench.start(file!);
  await bench.formed(['node-1']);
  await bench.stop('node-1');
  const other = { ...file!, settings: { ...SETTINGS, m: 64, shardCount: 8 } };
  await expect(bench.start({ ...other, explicit: new Set(['index.m']) })).rejects.toThrow(
    'index.m is 64 here but 16 in the cluster',
  );
  // What a file does not set is no contradiction.
  await bench.start(other);
  await bench.formed(['node-1']);
  expect(bench.node('node-1').cluster.map()?.settings).toEqual(SETTINGS);
});

test('a member that comes back under other addresses is found by everyone', async () => {
  const files = sharedStyle(NODES);
  await startAll(files);
  await bench.formed(NODES);
  await bench.stop('node-3');
  await bench.start({ ...files[2]!, addresses: { ...files[2]!.addresses, rest: 'elsewhere:6333' } });
  await bench.until(() => bench.node('node-1').cluster.map()?.members[2]?.restAddress === 'elsewhere:6333');
  expect(bench.node('node-1').cluster.reports.nodes().nodes[2]?.rest_address).toBe('elsewhere:6333');
});

test('a node stops although a change of the map waits for a quorum that is gone', async () => {
  const settings = { ...SETTINGS, dimension: undefined };
  await bench.start(optionsOf('node-1', { initialPeers: [peer('node-1')], settings }));
  await bench.formed(['node-1']);
  bench.logs.hold();
  const { cluster } = bench.node('node-1');
  const creating = expect(cluster.ensureCollection(3)).rejects.toMatchObject({ code: 'WRITE_TIMEOUT' });
  await bench.stop('node-1');
  await creating;
});
