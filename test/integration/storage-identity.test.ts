import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openRocksKv, WriteBatch } from '../../server/src/storage/index.ts';
import { type LocalCluster, untilLogged, withCluster } from '../support/cluster.ts';
import { call, count, upsert } from '../support/client.ts';
import { copyDisk, dataOf, namesOn, restoreDisk } from '../support/disks.ts';
import { nodeInfo, untilHealthy, writePoints } from '../support/membership.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 16;
const POINTS = 100;

jest.setTimeout(240_000);

/** Three nodes with points; `body` begins when all is whole. */
async function withPoints(
  o: { readonly autoRejoin: boolean },
  body: (cluster: LocalCluster) => Promise<void>,
): Promise<void> {
  const set = { 'cluster.auto_rejoin': o.autoRejoin };
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await writePoints(cluster.url('node-1'), { from: 0, total: POINTS, dimension: DIMENSION });
    await body(cluster);
  });
}

/** The node says that it takes no part, and why. */
async function untilOut(cluster: LocalCluster, nodeId: string, why: RegExp): Promise<void> {
  await cluster.until(`${nodeId} says ${String(why)}`, 60_000, async () => {
    const reply = await call(cluster.url(nodeId), 'GET', '/health').catch(() => undefined);
    return reply?.status === 503 && why.test(JSON.stringify(reply.body));
  });
  const metrics = await call(cluster.url(nodeId), 'GET', '/metrics');
  expect(metrics.body['text']).toContain('grape_node_standing{standing="amnesiac"} 1');
}

/** With one other node gone, nothing may be acknowledged: this node must not make up a majority. */
async function expectNoVote(cluster: LocalCluster, other: string, asked: string): Promise<void> {
  await cluster.stop(other, 'SIGKILL');
  const reply = await upsert(cluster.url(asked), { id: 1, vector: vectorOf(1, DIMENSION) });
  expect(reply.status).not.toBe(200);
}

/** Flips a bit in the row that counts the write batches of a node that is stopped. */
async function damageSequence(cluster: LocalCluster, nodeId: string): Promise<void> {
  const raft = await openRocksKv({
    path: join(dataOf(cluster, nodeId), 'raft'),
    profile: 'log',
    cacheBytes: 1 << 20,
    writeBufferBytes: 1 << 20,
    compression: true,
  });
  const key = Buffer.from([0]);
  const value = Buffer.from((await raft.get(key)) ?? []);
  value.writeUInt8(value.readUInt8(3) ^ 1, 3);
  await raft.write(new WriteBatch().put(key, value), { sync: true });
  await raft.close();
}

/** A disk as it was before the last points, also when it was started often since, and the others were too. */
async function setBack(cluster: LocalCluster): Promise<void> {
  const copy = join(cluster.node('node-2').directory, 'copy');
  await cluster.stop('node-2');
  await copyDisk(cluster, 'node-2', copy);
  await cluster.start('node-2');
  await cluster.whenReady('node-2');
  await writePoints(cluster.url('node-2'), { from: POINTS, total: POINTS, dimension: DIMENSION });
  await untilSeen(cluster);
  await cluster.stopAll('SIGKILL');
  await restoreDisk(cluster, 'node-2', copy);
  // Starts alone, so that it has more starts than the others have seen.
  for (let start = 0; start < 3; start += 1) {
    await cluster.start('node-2');
    await untilLogged(cluster, 'node-2', / listening /, 3 + start);
    await cluster.stop('node-2', 'SIGKILL');
  }
}

/** What the others have seen of a store is on their disks within a second. */
async function untilSeen(cluster: LocalCluster): Promise<void> {
  const floor = join(dataOf(cluster, 'node-1'), 'floor');
  const before = await readFile(floor);
  await upsert(cluster.url('node-1'), { id: 0, vector: vectorOf(0, DIMENSION) });
  await cluster.until('the floor is saved', 20_000, async () => !(await readFile(floor)).equals(before));
}

test('a disk that was set back is noticed over restarts of everybody; the node comes back with a new store', async () => {
  await withPoints({ autoRejoin: true }, async (cluster) => {
    const former = (await nodeInfo(cluster, 'node-1', 'node-2'))?.store_uuid;
    await setBack(cluster);
    await cluster.startAll();
    await untilLogged(cluster, 'node-2', /the node starts again without its store/);
    await untilHealthy(cluster, 'node-2');
    expect((await nodeInfo(cluster, 'node-1', 'node-2'))?.store_uuid).not.toBe(former);
    expect(await count(cluster.url('node-2'), { consistency: 'eventual' })).toBe(2 * POINTS);
    await cluster.until('what was set aside is gone', 30_000, async () => {
      return !(await namesOn(cluster, 'node-2')).some((name) => name.startsWith('set-aside'));
    });
  });
});

test('a disk that was set back takes no part with auto_rejoin = false, over restarts too', async () => {
  await withPoints({ autoRejoin: false }, async (cluster) => {
    await setBack(cluster);
    await cluster.startAll();
    await untilOut(cluster, 'node-2', /has forgotten what it promised .*the disk was set back/);
    await cluster.stop('node-2');
    await cluster.start('node-2');
    await untilOut(cluster, 'node-2', /has forgotten what it promised/);
    await expectNoVote(cluster, 'node-3', 'node-1');
  });
});

test('a node without its Raft log, or without its floor, takes no part', async () => {
  await withPoints({ autoRejoin: false }, async (cluster) => {
    for (const [nodeId, lost, why] of [
      ['node-2', 'raft', /the Raft log is gone/],
      ['node-3', 'floor', /the floor of the Raft log is gone/],
    ] as const) {
      await cluster.stop(nodeId);
      await rm(join(dataOf(cluster, nodeId), lost), { recursive: true });
      await cluster.start(nodeId);
      await untilOut(cluster, nodeId, why);
    }
    const reply = await upsert(cluster.url('node-1'), { id: 1, vector: vectorOf(1, DIMENSION) });
    expect(reply.status).not.toBe(200);
  });
});

test('a node whose count of writes cannot be read takes no part, over restarts too, until an operator lets it in', async () => {
  await withPoints({ autoRejoin: false }, async (cluster) => {
    await cluster.stop('node-2');
    await damageSequence(cluster, 'node-2');
    for (let start = 0; start < 2; start += 1) {
      if (cluster.isRunning('node-2')) await cluster.stop('node-2');
      await cluster.start('node-2');
      await untilOut(cluster, 'node-2', /the sequence of the Raft log cannot be read/);
    }
    await expectNoVote(cluster, 'node-3', 'node-1');
    await cluster.start('node-3');
    await cluster.whenReady('node-3');
    const joined = await call(cluster.url('node-3'), 'POST', '/cluster/join', { node_id: 'node-2' });
    expect(joined).toMatchObject({ status: 202, body: { state: 'joining' } });
    await untilLogged(cluster, 'node-2', /the node starts again without its store/);
    await untilHealthy(cluster, 'node-2');
    expect(await count(cluster.url('node-2'), { consistency: 'eventual' })).toBe(POINTS);
  });
});

test('a node whose Raft log cannot be read comes back with a new store', async () => {
  await withPoints({ autoRejoin: true }, async (cluster) => {
    await cluster.stop('node-2');
    await rm(join(dataOf(cluster, 'node-2'), 'raft', 'CURRENT'));
    await cluster.start('node-2');
    await untilHealthy(cluster, 'node-2');
    expect(await count(cluster.url('node-2'), { consistency: 'eventual' })).toBe(POINTS);
  });
});

test('a directory with stores and no identity is refused and left as it is', async () => {
  await withPoints({ autoRejoin: true }, async (cluster) => {
    await cluster.stop('node-2');
    await rm(join(dataOf(cluster, 'node-2'), 'identity'));
    const child = await cluster.start('node-2');
    expect(await cluster.exit(child)).toBe(1);
    expect(await namesOn(cluster, 'node-2')).not.toContain('identity');
  });
});
