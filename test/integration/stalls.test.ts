import { setTimeout as passed } from 'node:timers/promises';
import { call, upsert } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { raftSamples, sumOf } from '../support/raft-metrics.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 8;
const ELECTION_TIMEOUT_MS = 1_000;
/** One shard and `meta`: one of three nodes leads neither. */
const ONE_SHARD = { 'sharding.shard_count': 1 };

jest.setTimeout(180_000);

test('a follower whose process stands still for longer than an election timeout deposes nobody when it goes on', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: ONE_SHARD }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    await upsert(cluster.url('node-1'), { id: 1, vector: vectorOf(1, DIMENSION) });
    const follower = await nodeThatLeadsNothing(cluster);
    const before = await elections(cluster);
    expect(before).toBeGreaterThan(0);
    for (let round = 0; round < 10; round += 1) {
      process.kill(cluster.pid(follower)!, 'SIGSTOP');
      await passed(1.5 * ELECTION_TIMEOUT_MS);
      process.kill(cluster.pid(follower)!, 'SIGCONT');
      // It reads what waited in its sockets, then its own timers run.
      await upsert(cluster.url(follower), { id: round, vector: vectorOf(round, DIMENSION) });
    }
    expect(await elections(cluster)).toBe(before);
  });
});

async function nodeThatLeadsNothing(cluster: LocalCluster): Promise<string> {
  let found: string | undefined;
  await cluster.until('a node that leads nothing', 30_000, async () => {
    const leaders = new Set<string>();
    for (const { nodeId } of cluster.nodes) {
      const led = await raftSamples(cluster, nodeId, 'grape_raft_is_leader');
      if (led.some(({ value }) => value === 1)) leaders.add(nodeId);
    }
    found = cluster.nodes.find(({ nodeId }) => !leaders.has(nodeId))?.nodeId;
    const { body } = await call(cluster.url('node-1'), 'GET', '/health');
    return found !== undefined && leaders.size > 0 && body['status'] === 'healthy';
  });
  return found!;
}

/** That any node has started in any group. */
async function elections(cluster: LocalCluster): Promise<number> {
  const counts = cluster.nodes.map(({ nodeId }) => sumOf(cluster, nodeId, 'grape_raft_elections_total'));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
