import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalCluster, untilLogged, withCluster } from '../support/cluster.ts';
import { call, count, inParallel, search, upsert } from '../support/client.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 16;
const POINTS = 400;
const LITTLE_LOG = { 'raft.log_compaction_threshold': 50, 'raft.snapshot_interval': 20 };

jest.setTimeout(240_000);

/** Every point through all running nodes, with the round in its payload. */
async function overwrite(cluster: LocalCluster, rounds: number): Promise<void> {
  const urls = cluster.nodes
    .filter(({ nodeId }) => cluster.isRunning(nodeId))
    .map(({ nodeId }) => cluster.url(nodeId));
  await inParallel(rounds * POINTS, 32, async (at) => {
    const id = at % POINTS;
    const point = { id, vector: vectorOf(at, DIMENSION), payload: { round: Math.floor(at / POINTS) } };
    for (;;) {
      const reply = await upsert(urls[at % urls.length]!, point).catch(() => undefined);
      if (reply?.status === 200) return;
    }
  });
}

/** Of all points with vectors, payloads and versions, as this node's own replicas have them. */
async function digestOf(url: string, consistency: string): Promise<string> {
  const reply = await call(url, 'POST', '/vectors/scroll', { limit: 10_000, with_vector: true, consistency });
  return createHash('sha256').update(JSON.stringify(reply.body['points'])).digest('hex');
}

async function untilEqual(cluster: LocalCluster, nodeId: string): Promise<void> {
  await cluster.until(`the replicas of ${nodeId} are those of the others`, 60_000, async () => {
    const strong = await digestOf(cluster.url('node-1'), 'strong');
    return (await digestOf(cluster.url(nodeId), 'eventual')) === strong;
  });
}

async function snapshotsReceived(cluster: LocalCluster, nodeId: string): Promise<number> {
  const log = await readFile(join(cluster.node(nodeId).directory, 'server.log'), 'utf8');
  return log.split('a snapshot is being received').length - 1;
}

test('a node whose log was overtaken comes back by snapshots, also when it is killed while it installs them', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: LITTLE_LOG }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await overwrite(cluster, 1);
    await cluster.stop('node-3', 'SIGKILL');
    await overwrite(cluster, 10);
    await call(cluster.url('node-1'), 'POST', '/vectors/delete', { ids: [1, 2, 3] });

    await cluster.start('node-3');
    await untilLogged(cluster, 'node-3', /a snapshot is being received/);
    await cluster.stop('node-3', 'SIGKILL');
    await cluster.start('node-3');
    await cluster.whenReady('node-3');
    await untilEqual(cluster, 'node-3');
    expect(await snapshotsReceived(cluster, 'node-3')).toBeGreaterThan(8);

    // Its index has the points of the snapshot, and nothing of those before.
    for (const id of [0, 50, 399]) {
      const vector = vectorOf(9 * POINTS + id, DIMENSION);
      for (const exact of [true, false]) {
        const hits = await search(cluster.url('node-3'), {
          vector,
          limit: 1,
          exact,
          consistency: 'eventual',
        });
        expect(hits[0]).toMatchObject({ id, payload: { round: 9 } });
        expect(hits[0]!.score).toBeCloseTo(1, 5);
      }
    }
    expect(await count(cluster.url('node-3'), { consistency: 'eventual' })).toBe(POINTS - 3);

    // It is a full member: with it, one of the others may die.
    await cluster.stop('node-1', 'SIGKILL');
    await overwrite(cluster, 1);
    await cluster.start('node-1');
    await cluster.whenReady('node-1');
    await untilEqual(cluster, 'node-3');
    await untilEqual(cluster, 'node-2');

    await cluster.stopAll('SIGKILL');
    await cluster.startAll();
    await cluster.allReady();
    for (const nodeId of ['node-1', 'node-2', 'node-3']) await untilEqual(cluster, nodeId);
    expect(await count(cluster.url('node-2'))).toBe(POINTS);
  });
});
