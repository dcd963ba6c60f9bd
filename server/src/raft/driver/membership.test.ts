import { MemoryKv } from '../../storage/index.ts';
import type { ConfChangeStep } from '../core/index.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';
import { TextMachine } from '../testing/text-machine.ts';

const GROUP = 0;
const addLearner = (replica: number): ConfChangeStep => ({ type: 'addLearner', replica });
const addVoter = (replica: number): ConfChangeStep => ({ type: 'addVoter', replica });
const remove = (replica: number): ConfChangeStep => ({ type: 'remove', replica });

/** Three nodes; the answer has lost its disk and is back as replica 4, which nobody has added yet. */
async function wiped(): Promise<{ cluster: TestCluster; blank: TestNode }> {
  const cluster = new TestCluster({ nodes: 3 });
  await cluster.startAll();
  await cluster.write('first');
  const id = cluster.followers()[0]!.id;
  cluster.crash(id);
  const nodes = new Map([...cluster.replicas, [4, id]]);
  const blank = await cluster.start(id, new MemoryKv('log'), { replicaId: 4, nodes, bootstrapVoters: [] });
  return { cluster, blank };
}

function knowAll(cluster: TestCluster, blank: TestNode): void {
  const nodes = new Map([...cluster.replicas, [4, blank.id]]);
  for (const { host } of cluster.nodes.values()) host.setNodes(GROUP, nodes);
}

/** Proposes a change on the leader against its configuration, and waits until it is in force there. */
async function change(cluster: TestCluster, steps: ConfChangeStep[]): Promise<void> {
  const { host } = await cluster.electLeader();
  const { configurationIndex } = host.status(GROUP);
  host.changeMembership(GROUP, { configurationIndex, steps });
  await cluster.until(() => {
    const { configurationIndex: now, raft } = host.status(GROUP);
    return now > configurationIndex && raft.confState.votersOutgoing.length === 0;
  }, 'another configuration');
}

const fatal = (cluster: TestCluster): Error[] => [...cluster.nodes.values()].flatMap((node) => node.fatal);
const lost = (cluster: TestCluster, blank: TestNode): number =>
  [...cluster.replicas].find(([, node]) => node === blank.id)![0];

describe('a replica that takes the place of another one', () => {
  test('learns the state, then votes; the one before it is gone; the group survives the loss of another node', async () => {
    const { cluster, blank } = await wiped();
    knowAll(cluster, blank);
    const old = lost(cluster, blank);
    expect(blank.host.status(GROUP)).toMatchObject({ isVoter: false, configurationIndex: 0 });
    await change(cluster, [addLearner(4)]);
    await cluster.until(() => blank.machine.texts(GROUP).join() === 'first', 'the state of the others');
    expect(blank.host.status(GROUP).isVoter).toBe(false);
    await change(cluster, [addVoter(4), remove(old)]);
    await cluster.until(() => blank.host.status(GROUP).isVoter, 'a vote');
    expect(blank.host.status(GROUP).raft.confState.voters).toEqual(
      [1, 2, 3, 4].filter((replica) => replica !== old),
    );
    cluster.crash((await cluster.electLeader()).id);
    await cluster.write('second');
    expect(blank.machine.texts(GROUP)).toEqual(['first', 'second']);
    expect(fatal(cluster)).toEqual([]);
  });

  test('does neither vote nor campaign before it is added, whatever happens to the others', async () => {
    const { cluster, blank } = await wiped();
    knowAll(cluster, blank);
    const leader = await cluster.electLeader();
    cluster.crash(leader.id);
    await cluster.ticks(200);
    expect(cluster.leader()).toBeUndefined();
    expect(blank.host.status(GROUP).raft).toMatchObject({ role: 'follower', term: 0, vote: 0 });
  });

  test('is found again after a restart, by its own log', async () => {
    const { cluster, blank } = await wiped();
    knowAll(cluster, blank);
    await change(cluster, [addLearner(4)]);
    await cluster.until(() => blank.machine.texts(GROUP).length === 1, 'the state of the others');
    const kv = cluster.crash(blank.id);
    const nodes = new Map([...cluster.replicas, [4, blank.id]]);
    const start = { replicaId: 4, nodes, bootstrapVoters: [], applied: blank.machine.applied(GROUP) };
    const again = await cluster.start(blank.id, kv, start, blank.machine);
    expect(again.host.replicaId(GROUP)).toBe(4);
    await change(cluster, [addVoter(4), remove(lost(cluster, blank))]);
    await cluster.until(() => again.host.status(GROUP).isVoter, 'a vote');
    expect(fatal(cluster)).toEqual([]);
  });
});

describe('a change of the configuration', () => {
  test('is on the disks once it is in force: after a power loss nobody asks who was removed', async () => {
    const { cluster, blank } = await wiped();
    knowAll(cluster, blank);
    const old = lost(cluster, blank);
    await change(cluster, [addLearner(4)]);
    await cluster.until(() => blank.machine.texts(GROUP).length === 1, 'the state of the others');
    await change(cluster, [addVoter(4), remove(old)]);
    const all = [...cluster.nodes.values()];
    const { configurationIndex } = (await cluster.electLeader()).host.status(GROUP);
    const isDurable = ({ host }: TestNode): boolean =>
      host.status(GROUP).durableConfigurationIndex === configurationIndex;
    await cluster.until(() => all.every(isDurable), 'the change on all disks');
    for (const { id, host } of all) {
      const { id: replicaId } = host.status(GROUP).raft;
      const kv = cluster.crash(id, { keptBatches: 0 });
      const again = await cluster.start(id, kv, { replicaId, bootstrapVoters: [] });
      const { confState } = again.host.status(GROUP).raft;
      expect(confState.votersOutgoing).toEqual([]);
      expect(confState.voters).not.toContain(old);
      cluster.crash(id);
    }
  });

  test('is refused when it was planned for another one, and changes nothing', async () => {
    const { cluster, blank } = await wiped();
    knowAll(cluster, blank);
    await change(cluster, [addLearner(4)]);
    const { host } = await cluster.electLeader();
    const before = host.status(GROUP).raft;
    const steps = [addVoter(4)];
    expect(() => host.changeMembership(GROUP, { configurationIndex: 0, steps })).toThrow(
      /planned for configuration 0, in force is [1-9]/,
    );
    expect(host.status(GROUP).raft.lastIndex).toBe(before.lastIndex);
  });

  test('is refused for a replica whose node nobody has named, and by a follower', async () => {
    const { cluster } = await wiped();
    const { host } = await cluster.electLeader();
    const { configurationIndex } = host.status(GROUP);
    const planned = { configurationIndex, steps: [addLearner(4)] };
    expect(() => host.changeMembership(GROUP, planned)).toThrow(
      'the node of replica 4 is not known here yet',
    );
    const follower = cluster.followers().find((node) => node.host.status(GROUP).isVoter)!;
    expect(() => follower.host.changeMembership(GROUP, planned)).toThrow(/leader/);
  });

  test('waits for the one before it', async () => {
    const { cluster, blank } = await wiped();
    knowAll(cluster, blank);
    const { host } = await cluster.electLeader();
    const { configurationIndex } = host.status(GROUP);
    host.changeMembership(GROUP, { configurationIndex, steps: [addLearner(4)] });
    expect(() => host.changeMembership(GROUP, { configurationIndex, steps: [remove(1)] })).toThrow(
      'an earlier change of it is under way',
    );
  });
});

describe('a group that another replica takes over on the same node', () => {
  test('stops in the middle of its work, and begins anew without what it had', async () => {
    const cluster = new TestCluster({ nodes: 3 });
    await cluster.startAll();
    await cluster.write('first');
    const node = cluster.followers()[0]!;
    const leader = await cluster.electLeader();
    void leader.host.propose(GROUP, Buffer.from('under way')).promise.catch(() => undefined);
    await cluster.turns(3);
    await cluster.settle(node.host.stopGroup(GROUP));
    expect(node.host.groups()).toEqual([]);
    const machine = new TextMachine();
    await node.host.resetGroup(GROUP, { replicaId: 4, generation: 2 });
    expect([node.host.replicaId(GROUP), node.host.generation(GROUP)]).toEqual([4, 2]);
    // The state of the new generation is empty, as the machine has it after a restart.
    const kv = cluster.crash(node.id);
    const nodes = new Map([...cluster.replicas, [4, node.id]]);
    const again = await cluster.start(node.id, kv, { replicaId: 4, nodes, bootstrapVoters: [] }, machine);
    knowAll(cluster, again);
    await change(cluster, [addLearner(4)]);
    await cluster.until(() => machine.texts(GROUP).join() === 'first,under way', 'the state of the others');
    expect(fatal(cluster)).toEqual([]);
  });

  test('is not started on the log of another replica', async () => {
    const cluster = new TestCluster({ nodes: 3 });
    await cluster.startAll();
    await cluster.write('first');
    const id = cluster.followers()[0]!.id;
    const kv = cluster.crash(id);
    const wrong = await cluster.start(id, kv, { replicaId: 9, bootstrapVoters: [] });
    expect(wrong.host.status(GROUP).damage).toMatch(/the log is that of replica [123], this is replica 9/);
  });
});
