import { TestCluster } from '../testing/test-cluster.ts';

const ELECTION_TIMEOUT_MS = 200;

async function threeNodes(): Promise<TestCluster> {
  const cluster = new TestCluster({ nodes: 3 });
  await cluster.startAll();
  await cluster.write('before');
  await cluster.ticks(10);
  return cluster;
}

const asked = (cluster: TestCluster, from: number): number =>
  cluster.network.log.slice(from).filter(({ message }) => message.message.type === 'preVote').length;

test('whoever stood still for longer than an election timeout asks for no votes when it goes on: two ticks are made up for, however long it was', async () => {
  const cluster = await threeNodes();
  const leader = cluster.leader()?.id;
  for (let stall = 0; stall < 5; stall += 1) {
    const from = cluster.network.log.length;
    // All timers are due at once, for everybody.
    cluster.clock.advance(3 * ELECTION_TIMEOUT_MS);
    await cluster.turns(20);
    expect(asked(cluster, from)).toBe(0);
    await cluster.ticks(10);
  }
  expect(cluster.leader()?.id).toBe(leader);
});
