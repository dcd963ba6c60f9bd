import { join } from 'node:path';
import { META_GROUP } from '../../server/src/raft/index.ts';
import { entryKey } from '../../server/src/raft/log/keys.ts';
import { openRocksKv, WriteBatch } from '../../server/src/storage/index.ts';
import { type LocalCluster, untilLogged, withCluster } from '../support/cluster.ts';
import { call, count, errorCode, search, upsert } from '../support/client.ts';
import { dataOf, wipe } from '../support/disks.ts';
import { nodeInfo, untilHealthy, writePoints } from '../support/membership.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 16;
const POINTS = 200;
const OPTIONS = { nodeCount: 3, dimension: DIMENSION } as const;

jest.setTimeout(240_000);

const write = (url: string, from: number, total: number): Promise<void> =>
  writePoints(url, { from, total, dimension: DIMENSION });

const storeOf = async (cluster: LocalCluster, nodeId: string): Promise<string | undefined> =>
  (await nodeInfo(cluster, 'node-1', nodeId))?.store_uuid;

test('a node whose disk was wiped is a full member again by itself; then another node may die and nothing is lost', async () => {
  await withCluster(OPTIONS, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await write(cluster.url('node-1'), 0, POINTS);
    const former = await storeOf(cluster, 'node-2');
    await cluster.stop('node-2', 'SIGKILL');
    await wipe(cluster, 'node-2');
    await write(cluster.url('node-3'), POINTS, 20);

    await cluster.start('node-2');
    await untilHealthy(cluster, 'node-2');
    expect(await storeOf(cluster, 'node-2')).not.toBe(former);
    expect(await count(cluster.url('node-2'), { consistency: 'eventual' })).toBe(POINTS + 20);

    // Its copy counts: with it and one other node everything acknowledged is there, and writes go on.
    await cluster.stop('node-3', 'SIGKILL');
    await write(cluster.url('node-2'), POINTS + 20, 20);
    expect(await count(cluster.url('node-2'))).toBe(POINTS + 40);
    const [hit] = await search(cluster.url('node-2'), { vector: vectorOf(7, DIMENSION), limit: 1 });
    expect(hit?.id).toBe(7);

    // Who was away meanwhile knows the others again, although one of them has another store now.
    await cluster.start('node-3');
    await untilHealthy(cluster, 'node-3');
  });
});

test('killed on the way back, wiped again, or with the other members restarted: it comes back', async () => {
  await withCluster(OPTIONS, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await write(cluster.url('node-1'), 0, POINTS);
    await cluster.stop('node-1', 'SIGKILL');
    await wipe(cluster, 'node-1');
    await cluster.start('node-1');
    await untilLogged(cluster, 'node-1', /the cluster has admitted this store/);
    await cluster.stop('node-1', 'SIGKILL');
    await cluster.start('node-1');
    await untilLogged(cluster, 'node-1', /a snapshot is being received/);
    await cluster.stop('node-1', 'SIGKILL');
    await wipe(cluster, 'node-1');
    await cluster.stop('node-3', 'SIGKILL');
    await Promise.all([cluster.start('node-1'), cluster.start('node-3')]);
    await untilHealthy(cluster, 'node-1', 'node-2');
    expect(await count(cluster.url('node-1'), { consistency: 'eventual' })).toBe(POINTS);
  });
});

test('with auto_rejoin = false it stays outside, says so, and takes no part', async () => {
  await withCluster({ ...OPTIONS, set: { 'cluster.auto_rejoin': false } }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await cluster.stop('node-2', 'SIGKILL');
    await wipe(cluster, 'node-2');
    await cluster.start('node-2');
    await cluster.until('node-2 says why', 30_000, async () => {
      const reply = await call(cluster.url('node-2'), 'GET', '/health').catch(() => undefined);
      return reply?.status === 503 && JSON.stringify(reply.body).includes('auto_rejoin is false');
    });
    const metrics = await call(cluster.url('node-2'), 'GET', '/metrics');
    expect(metrics.body['text']).toContain('grape_node_standing{standing="wiped"} 1');
    const stranger = await call(cluster.url('node-1'), 'POST', '/cluster/join', { node_id: 'node-9' });
    expect([stranger.status, errorCode(stranger)]).toEqual([400, 'UNSUPPORTED']);
    // A majority of the old stores is not there without it: what it would have to confirm is not confirmed.
    await cluster.stop('node-3', 'SIGKILL');
    const reply = await upsert(cluster.url('node-1'), { id: 1, vector: vectorOf(1, DIMENSION) });
    expect(reply.status).not.toBe(200);
    await cluster.start('node-3');
    await cluster.whenReady('node-3');
    await cluster.until('the leader of meta takes the word of an operator', 30_000, async () => {
      const reply = await call(cluster.url('node-1'), 'POST', '/cluster/join', { node_id: 'node-2' });
      return reply.status === 202 && reply.body['state'] === 'joining';
    });
    await untilHealthy(cluster, 'node-2');
    // The word was for that once.
    await cluster.stop('node-2', 'SIGKILL');
    await wipe(cluster, 'node-2');
    await cluster.start('node-2');
    await cluster.until('node-2 waits again', 30_000, async () => {
      const health = await call(cluster.url('node-2'), 'GET', '/health').catch(() => undefined);
      return health?.status === 503 && JSON.stringify(health.body).includes('auto_rejoin is false');
    });
  });
});

/** Takes an entry out of the middle of a group's log, as a disk that has lost a block would. */
async function makeHole(cluster: LocalCluster, nodeId: string, group: number): Promise<void> {
  const raft = await openRocksKv({
    path: join(dataOf(cluster, nodeId), 'raft'),
    profile: 'log',
    cacheBytes: 1 << 20,
    writeBufferBytes: 1 << 20,
    compression: false,
  });
  try {
    await raft.write(new WriteBatch().delete(entryKey(group, 2)), { sync: true });
  } finally {
    await raft.close();
  }
}

test('a replica with a hole in its log is replaced on its node; so is that of meta; the others are not touched', async () => {
  await withCluster(OPTIONS, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await write(cluster.url('node-1'), 0, POINTS);
    const store = await storeOf(cluster, 'node-2');
    await cluster.stop('node-2');
    for (const group of [3, META_GROUP]) await makeHole(cluster, 'node-2', group);
    await cluster.start('node-2');
    await untilLogged(cluster, 'node-2', /the log of a group is damaged/);
    await untilLogged(cluster, 'node-2', /a replica begins anew in place of another one.*group=3/);
    await untilHealthy(cluster, 'node-2');
    expect(await storeOf(cluster, 'node-2')).toBe(store);
    expect(await count(cluster.url('node-2'), { consistency: 'eventual' })).toBe(POINTS);
    await cluster.stop('node-1', 'SIGKILL');
    await write(cluster.url('node-2'), POINTS, 20);
    expect(await count(cluster.url('node-3'))).toBe(POINTS + 20);
  });
});
