import { call, upsert } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 64;

jest.setTimeout(240_000);

test('SIGTERM hands leadership over, finishes requests in flight within 10 s and exits with 0', async () => {
  // So long an election timeout that no write below could wait for an election: leadership must have been handed over.
  const set = { 'raft.election_timeout_ms': 30_000 };
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const victim = 'node-2';
    // A group whose first election fails has to wait for the next one: up to two of these timeouts.
    await cluster.until('every node leads shards', 90_000, async () => {
      const leaders = await leadersOf(cluster, 'node-1');
      return ['node-1', 'node-2', 'node-3'].every((nodeId) => leaders.includes(nodeId));
    });

    // Requests that are on their way when the signal arrives are all answered.
    const inFlight = Array.from({ length: 200 }, (_, id) =>
      upsert(cluster.url(victim), { id, vector: vectorOf(id, DIMENSION) }),
    );
    await Promise.race(inFlight);
    const start = performance.now();
    const stopped = cluster.stop(victim);
    const answers = await Promise.allSettled(inFlight);
    expect(await stopped).toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
    const statuses = answers.map((answer) =>
      answer.status === 'fulfilled' ? answer.value.status : 'not accepted',
    );
    expect(
      statuses.filter((status) => status !== 200 && status !== 503 && status !== 'not accepted'),
    ).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);

    // Leadership was handed over, not lost: every shard takes writes long before an election timeout.
    const leaders = await leadersOf(cluster, 'node-1');
    expect(leaders).not.toContain(victim);
    const writes = await Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        upsert(cluster.url('node-1'), { id: 1000 + i, vector: vectorOf(i, DIMENSION) }),
      ),
    );
    expect(writes.map((reply) => reply.status)).toEqual(Array<number>(64).fill(200));
  });
});

async function leadersOf(cluster: LocalCluster, nodeId: string): Promise<(string | null)[]> {
  const reply = await call(cluster.url(nodeId), 'GET', '/cluster/shards');
  return (reply.body['shards'] as { leader: string | null }[]).map((shard) => shard.leader);
}
