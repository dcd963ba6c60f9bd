import { call, callWith, count, errorCode, type Reply } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';

const DIMENSION = 1_024;
/** One log entry of a mebibyte; of one group 64 MiB may wait (GROUP_PROPOSAL_BYTES_MAX of the driver). */
const BATCH = 250;
const BATCHES = 90;
/** A leader without followers stays one for long enough to fill its queue. */
const PATIENT = {
  'sharding.shard_count': 1,
  'raft.election_timeout_ms': 20_000,
  'raft.heartbeat_interval_ms': 250,
  'server.request_timeout_ms': 60_000,
};

jest.setTimeout(300_000);

test('writes beyond the queue of a shard are refused at once, leave nothing behind, and service goes on', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: PATIENT }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady(120_000);
    const leader = await leaderOf(cluster);
    const others = cluster.nodes.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== leader);
    expect((await put(cluster.url(leader), 0, 1)).status).toBe(200);
    for (const nodeId of others) process.kill(cluster.pid(nodeId)!, 'SIGSTOP');
    const refused: Reply[] = [];
    const writing = Array.from({ length: BATCHES }, async (_, batch) => {
      const reply = await put(cluster.url(leader), (batch + 1) * BATCH, BATCH);
      if (reply.status === 429) refused.push(reply);
      return reply;
    });
    try {
      // What is taken waits for a majority; what is not is answered without one.
      await cluster.until('refusals', 60_000, () => Promise.resolve(refused.length > 0));
    } finally {
      for (const nodeId of others) process.kill(cluster.pid(nodeId)!, 'SIGCONT');
    }
    const statuses = (await Promise.all(writing)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(new Set(refused.map((reply) => errorCode(reply)))).toEqual(new Set(['TOO_MANY_REQUESTS']));
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    const done = statuses.filter((status) => status === 200).length;
    expect(await count(cluster.url(leader))).toBe(1 + done * BATCH);
    expect((await put(cluster.url(leader), 1e6, 1)).status).toBe(200);
  });
});

function put(url: string, firstId: number, points: number): Promise<Reply> {
  const vector = Array.from({ length: DIMENSION }, (_, at) => (at % 7) / 8 + 0.125);
  const body = { points: Array.from({ length: points }, (_, at) => ({ id: firstId + at, vector })) };
  return callWith({}, { url, method: 'POST', path: '/vectors', body, timeoutMs: 90_000 });
}

async function leaderOf(cluster: LocalCluster): Promise<string> {
  let leader: string | null = null;
  await cluster.until('a leader', 60_000, async () => {
    const { body } = await call(cluster.url('node-1'), 'GET', '/cluster/shards');
    leader = (body['shards'] as { leader: string | null }[])[0]?.leader ?? null;
    return leader !== null;
  });
  return leader!;
}
