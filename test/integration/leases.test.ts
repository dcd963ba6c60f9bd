import { call, upsert } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 8;
const POINTS = 64;
const LEASES = { 'raft.lease_reads': true };

jest.setTimeout(180_000);

test('leaders answer reads by leases, and one that was stopped in the middle of one gives no answer of before', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: LEASES }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await writeAll(cluster, 'node-1', 'before');
    await cluster.until('reads by leases', 30_000, async () => {
      await readAll(cluster, 'node-2');
      return (await leasedReads(cluster, 'node-2')) > 0;
    });
    expect(new Set(await readAll(cluster, 'node-2'))).toEqual(new Set(['before']));
    const pid = cluster.pid('node-2')!;
    process.kill(pid, 'SIGSTOP');
    try {
      await cluster.until('the others lead everything', 60_000, async () => {
        const statuses = await writeAll(cluster, 'node-1', 'while it was stopped');
        return statuses.every((status) => status === 200);
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // Whatever it takes itself to be when it goes on.
    const answers = await Promise.all(Array.from({ length: 10 }, () => readAll(cluster, 'node-2')));
    expect(new Set(answers.flat())).toEqual(new Set(['while it was stopped']));
    const atLeader = await Promise.all(ids().map((id) => read(cluster, 'node-2', id, 'leader')));
    expect(new Set(atLeader)).toEqual(new Set(['while it was stopped']));
  });
});

const ids = (): number[] => Array.from({ length: POINTS }, (_, id) => id);

function writeAll(cluster: LocalCluster, nodeId: string, text: string): Promise<number[]> {
  return Promise.all(
    ids().map(async (id) => {
      const point = { id, vector: vectorOf(id, DIMENSION), payload: { text } };
      return (await upsert(cluster.url(nodeId), point)).status;
    }),
  );
}

/** What the points say, of those whose reads are answered with success. */
async function readAll(cluster: LocalCluster, nodeId: string): Promise<string[]> {
  return Promise.all(ids().map((id) => read(cluster, nodeId, id, 'strong')));
}

async function read(cluster: LocalCluster, nodeId: string, id: number, consistency: string): Promise<string> {
  for (;;) {
    const reply = await call(cluster.url(nodeId), 'GET', `/vectors/${id}?consistency=${consistency}`);
    // A leader that finds out that it is none any more says so instead of answering.
    if (reply.status === 200) return (reply.body['payload'] as { text: string }).text;
    if (reply.status !== 503) throw new Error(`status ${reply.status}`);
  }
}

async function leasedReads(cluster: LocalCluster, nodeId: string): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${cluster.node(nodeId).raftPort}/raft/metrics`);
  const lines = (await reply.text()).matchAll(/^grape_raft_reads_total\{.*by="lease".*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}
