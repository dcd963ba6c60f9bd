import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { call, upsert } from '../support/client.ts';
import { type LocalCluster, untilLogged, withCluster } from '../support/cluster.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 16;
const FAST = { 'raft.election_timeout_ms': 400, 'raft.heartbeat_interval_ms': 100 };

jest.setTimeout(120_000);

async function clusterId(cluster: LocalCluster, nodeId: string): Promise<unknown> {
  return (await call(cluster.url(nodeId), 'GET', '/cluster/info')).body['cluster_id'];
}

async function expectServing(cluster: LocalCluster, nodeIds: readonly string[]): Promise<void> {
  await Promise.all(nodeIds.map((nodeId) => cluster.whenReady(nodeId)));
  for (const [i, nodeId] of nodeIds.entries()) {
    const reply = await upsert(cluster.url(nodeId), { id: i, vector: vectorOf(i, DIMENSION) });
    expect(reply).toMatchObject({ status: 200 });
  }
}

/** Alive, but not ready: the process answers /livez and refuses points. */
async function expectWaiting(cluster: LocalCluster, nodeId: string): Promise<void> {
  await cluster.until(`${nodeId} is alive`, 20_000, async () => {
    return (await call(cluster.url(nodeId), 'GET', '/livez').catch(() => undefined))?.status === 200;
  });
  expect(await call(cluster.url(nodeId), 'GET', '/readyz')).toMatchObject({ status: 503 });
  expect(await upsert(cluster.url(nodeId), { id: 1, vector: vectorOf(1, DIMENSION) })).toMatchObject({
    status: 503,
  });
}

describe.each(['guide', 'shared'] as const)('with the files of the %s style', (style) => {
  test('a cluster forms in any start order, and only when every founder is there', async () => {
    await withCluster({ nodeCount: 3, dimension: DIMENSION, style, set: FAST }, async (cluster) => {
      await cluster.start('node-3');
      await expectWaiting(cluster, 'node-3');
      await cluster.start('node-1');
      await expectWaiting(cluster, 'node-1');
      await cluster.start('node-2');
      await expectServing(cluster, ['node-1', 'node-2', 'node-3']);
      const ids = await Promise.all(
        ['node-1', 'node-2', 'node-3'].map((nodeId) => clusterId(cluster, nodeId)),
      );
      expect(new Set(ids).size).toBe(1);
    });
  });

  test('a founder that lost its disk does not form a second cluster beside a stopped one', async () => {
    await withCluster({ nodeCount: 3, dimension: DIMENSION, style, set: FAST }, async (cluster) => {
      await cluster.startAll();
      await expectServing(cluster, ['node-1', 'node-2', 'node-3']);
      const id = await clusterId(cluster, 'node-2');
      await cluster.stopAll();
      await rm(join(cluster.node('node-1').directory, 'data'), { recursive: true });

      // node-3 stays down: node-1 (wiped) and node-2 would be a majority if node-1 could vote again.
      await cluster.start('node-1');
      await cluster.start('node-2');
      await expectWaiting(cluster, 'node-1');
      await untilLogged(cluster, 'node-1', /wiped|another store/i);
      await expectWaiting(cluster, 'node-2');

      await cluster.start('node-3');
      await expectServing(cluster, ['node-2', 'node-3']);
      // With the two that kept their disks there is a majority, which takes node-1 back into the same cluster.
      await expectServing(cluster, ['node-1']);
      expect(await Promise.all(['node-1', 'node-3'].map((nodeId) => clusterId(cluster, nodeId)))).toEqual([
        id,
        id,
      ]);
    });
  });
});

test('two halves of one file never form two clusters', async () => {
  await withCluster({ nodeCount: 5, dimension: DIMENSION, style: 'shared', set: FAST }, async (cluster) => {
    await cluster.start('node-1');
    await cluster.start('node-2');
    await expectWaiting(cluster, 'node-1');
    await cluster.stop('node-1');
    await cluster.stop('node-2');
    for (const nodeId of ['node-3', 'node-4', 'node-5']) await cluster.start(nodeId);
    await expectWaiting(cluster, 'node-5');
    await cluster.start('node-1');
    await cluster.start('node-2');
    const all = cluster.nodes.map((node) => node.nodeId);
    await expectServing(cluster, all);
    expect(new Set(await Promise.all(all.map((nodeId) => clusterId(cluster, nodeId)))).size).toBe(1);
  });
});

test('a node with a wrong cluster token is refused, and both sides log it', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, style: 'shared', set: FAST }, async (cluster) => {
    await cluster.start('node-1');
    await cluster.start('node-2');
    await cluster.start('node-3', { 'cluster.cluster_token': 'not the secret' });
    await untilLogged(cluster, 'node-1', /token/i);
    await untilLogged(cluster, 'node-3', /token/i);
    await expectWaiting(cluster, 'node-1');
    await cluster.stop('node-3');
    await cluster.start('node-3');
    await expectServing(cluster, ['node-1', 'node-2', 'node-3']);
  });
});

test('a directory of another cluster, without its identity, or in use is refused with a reason', async () => {
  await withCluster({ nodeCount: 1, dimension: DIMENSION }, async (cluster) => {
    await cluster.start('node-1');
    await expectServing(cluster, ['node-1']);
    await cluster.stop('node-1');

    const other = await cluster.start('node-1', { 'cluster.cluster_id': 'a-cluster-that-is-not-this-one' });
    expect(await cluster.exit(other)).not.toBe(0);
    await untilLogged(cluster, 'node-1', /a-cluster-that-is-not-this-one/);

    const dataDirectory = join(cluster.node('node-1').directory, 'data');
    const before = await readdir(dataDirectory);
    expect(before).toContain('identity');
    await rm(join(dataDirectory, 'identity'));
    const nameless = await cluster.start('node-1');
    expect(await cluster.exit(nameless)).not.toBe(0);
    await untilLogged(cluster, 'node-1', /identity/);
  });
});
