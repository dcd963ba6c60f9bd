import { TestCluster } from '../testing/test-cluster.ts';
import type { GroupMessage } from '../types.ts';

const TICK_MS = 10;
const ELECTION_TIMEOUT_MS = 20 * TICK_MS;

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

test('a message that waits in a socket counts before the ticks of the pause do', async () => {
  const cluster = await threeNodes();
  const leader = cluster.leader()!.id;
  const follower = cluster.followers()[0]!;
  let heard: GroupMessage | undefined;
  let elections = 0;
  // At one of these lengths of silence the election timeout, drawn from 20 to 40 ticks, ends with the pause itself.
  for (let silence = 18; elections === 0; silence += 1) {
    expect(silence).toBeLessThanOrEqual(40);
    const from = cluster.network.log.length;
    cluster.network.filter = (_, to, message) => {
      if (to === follower.id && message.message.type === 'heartbeat') heard = message;
      return to !== follower.id;
    };
    await cluster.ticks(silence);
    elections = asked(cluster, from);
    cluster.network.heal();
    if (elections > 0) break;
    cluster.network.link(leader).sendRaft(follower.id, [heard!]);
    cluster.clock.advance(2 * TICK_MS);
    await cluster.turns(8);
    expect(asked(cluster, from)).toBe(0);
    await cluster.ticks(10);
  }
  expect(cluster.leader()?.id).toBe(leader);
});
