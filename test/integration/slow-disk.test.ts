import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { call, upsert } from '../support/client.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 16;
const SLOW = 'node-2';

jest.setTimeout(240_000);

test('a node whose disk is slow leads nothing any more, says so, and goes on as a follower', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'grape-slow-'));
  const library = join(directory, 'slow-sync.so');
  const source = join(__dirname, '..', 'support', 'slow-sync.c');
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  const file = join(directory, 'delay');
  await writeFile(file, '0');
  const slow = { LD_PRELOAD: library, SLOW_SYNC_FILE: file };
  const envOf = (nodeId: string): Record<string, string> => (nodeId === SLOW ? slow : {});
  try {
    await withCluster({ nodeCount: 3, dimension: DIMENSION, envOf }, async (cluster) => {
      await cluster.startAll();
      await cluster.allReady();
      await cluster.until('every node leads shards', 60_000, async () => (await ledBy(cluster, SLOW)) > 0);
      // Above half of the election timeout of 1000 ms.
      await writeFile(file, '700');
      const writing = writeUntil(cluster, async () => (await ledBy(cluster, SLOW)) === 0);
      await cluster.until(
        'the slow node leads nothing',
        60_000,
        async () => (await ledBy(cluster, SLOW)) === 0,
      );
      await writing;
      const health = await call(cluster.url(SLOW), 'GET', '/health');
      expect(JSON.stringify(health.body)).toContain('the disk of this node is slow');
      const reply = await upsert(cluster.url('node-1'), { id: 1, vector: vectorOf(1, DIMENSION) });
      expect(reply.status).toBe(200);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

async function ledBy(cluster: LocalCluster, nodeId: string): Promise<number> {
  const reply = await call(cluster.url('node-1'), 'GET', '/cluster/shards').catch(() => undefined);
  const shards = (reply?.body['shards'] ?? []) as { leader: string | null }[];
  return shards.filter(({ leader }) => leader === nodeId).length;
}

/** Every write syncs on every node. */
async function writeUntil(cluster: LocalCluster, isOver: () => Promise<boolean>): Promise<void> {
  for (let id = 0; !(await isOver()); id += 1) {
    const batch = Array.from({ length: 16 }, (_, at) =>
      upsert(cluster.url('node-1'), { id: id * 16 + at, vector: vectorOf(at, DIMENSION) }),
    );
    await Promise.allSettled(batch);
  }
}
