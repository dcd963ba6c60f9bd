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

test('a leader that stood still while others took over loses no write and answers nothing old when it goes on', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION, set: ONE_SHARD }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const leader = await leaderOfTheShard(cluster);
    const other = cluster.nodes.find(({ nodeId }) => nodeId !== leader)!.nodeId;
    expect(await write(cluster, leader, 'before')).toBe(200);
    process.kill(cluster.pid(leader)!, 'SIGSTOP');
    try {
      await cluster.until('a write without it', 60_000, async () => {
        return (await write(cluster, other, 'while it stood still')) === 200;
      });
    } finally {
      process.kill(cluster.pid(leader)!, 'SIGCONT');
    }
    // It takes itself for the leader until it has read its sockets: it may refuse, it may not answer from its past.
    const answers = await Promise.all(Array.from({ length: 50 }, () => read(cluster, leader)));
    for (const answer of answers) expect(['while it stood still', 503]).toContain(answer);
    await cluster.until('it answers again', 60_000, async () => {
      return (await read(cluster, leader)) === 'while it stood still';
    });
  });
});

async function write(cluster: LocalCluster, nodeId: string, text: string): Promise<number> {
  const point = { id: 1, vector: vectorOf(1, DIMENSION), payload: { text } };
  return (await upsert(cluster.url(nodeId), point)).status;
}

/** What the point says by a strong read, or the status of the refusal. */
async function read(cluster: LocalCluster, nodeId: string): Promise<string | number> {
  const reply = await call(cluster.url(nodeId), 'GET', '/vectors/1?consistency=strong');
  return reply.status === 200 ? (reply.body['payload'] as { text: string }).text : reply.status;
}

async function leaderOfTheShard(cluster: LocalCluster): Promise<string> {
  let leader: string | null | undefined;
  await cluster.until('a leader', 60_000, async () => {
    const { body } = await call(cluster.url('node-1'), 'GET', '/cluster/shards');
    leader = (body['shards'] as { leader: string | null }[])[0]?.leader;
    return typeof leader === 'string';
  });
  return leader!;
}

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
