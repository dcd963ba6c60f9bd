import { MemoryKv } from '../../storage/index.ts';
import { GatedKv } from '../testing/gated-kv.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';

/** Three nodes of which two vote for the third and then hear nothing more: only their votes can be on their disks. */
async function elected(): Promise<{ cluster: TestCluster; leader: TestNode; voters: readonly TestNode[] }> {
  const cluster = new TestCluster({ nodes: 3 });
  cluster.network.filter = (_from, _to, { message: { type } }) => type !== 'append' && type !== 'heartbeat';
  await cluster.startAll();
  const leader = await cluster.electLeader();
  const { term } = leader.host.status(0).raft;
  const voters = cluster.followers().filter(({ host }) => {
    const { raft } = host.status(0);
    return raft.term === term && raft.vote === leader.host.status(0).raft.id;
  });
  expect(voters.length).toBeGreaterThan(0);
  return { cluster, leader, voters };
}

describe('a restart that loses what was not synced', () => {
  test('keeps the vote that was given: no second one in the same term', async () => {
    const { cluster, leader, voters } = await elected();
    const { id: elect, term } = leader.host.status(0).raft;
    for (const { id } of voters) {
      const left = cluster.crash(id);
      const again = await cluster.start(id, left);
      expect(again.host.status(0).raft).toMatchObject({ term, vote: elect });
    }
  });

  test('keeps term and vote of the leader itself', async () => {
    const { cluster, leader } = await elected();
    const { id, term } = leader.host.status(0).raft;
    const again = await cluster.start(leader.id, cluster.crash(leader.id));
    expect(again.host.status(0).raft).toMatchObject({ id, term, vote: id });
  });

  test('of the disks of everybody elects a leader of a later term, never of one that had its leader', async () => {
    const { cluster, leader } = await elected();
    const { term } = leader.host.status(0).raft;
    const disks = [...cluster.nodes.keys()].map((id) => [id, cluster.crash(id)] as const);
    cluster.network.heal();
    for (const [id, disk] of disks) await cluster.start(id, disk);
    const next = await cluster.electLeader();
    expect(next.host.status(0).raft.term).toBeGreaterThan(term);
  });
});

describe('one poisoned batch of seventeen groups', () => {
  const GROUPS = Array.from({ length: 17 }, (_, group) => group);

  test('ends the node: none of its groups acknowledges anything more, and nothing acknowledged is lost', async () => {
    const cluster = new TestCluster({ nodes: 1, groups: GROUPS });
    const inner = new MemoryKv('log');
    const kv = new GatedKv(inner);
    const { host, machine, fatal } = await cluster.start('node-1', kv);
    for (const group of GROUPS) await cluster.write('acknowledged', group);
    await cluster.ticks(2);
    kv.write = () => Promise.reject(new Error('the disk failed'));
    let answered = 0;
    for (const group of GROUPS) {
      host.propose(group, Buffer.from('in the batch')).promise.then(
        () => (answered += 1),
        () => undefined,
      );
    }
    await cluster.until(() => fatal.length > 0, 'the end of the node');
    await cluster.ticks(50);
    expect(answered).toBe(0);
    expect(GROUPS.map((group) => machine.texts(group))).toEqual(GROUPS.map(() => ['acknowledged']));
    const again = await cluster.start('node-1', inner.crash());
    await cluster.until(
      () => GROUPS.every((group) => again.machine.texts(group).length > 0),
      'the state of every group',
    );
    for (const group of GROUPS) expect(again.machine.texts(group)).toEqual(['acknowledged']);
  });
});
