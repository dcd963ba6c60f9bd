import { GrapeError } from '../../base/index.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';

/** Three nodes; those in `full` have no room. */
async function threeNodes(o: { logCompactionThreshold?: number; reserveBytes?: number } = {}): Promise<{
  cluster: TestCluster;
  full: Set<string>;
}> {
  const full = new Set<string>();
  const { reserveBytes = 0, ...options } = o;
  const disk = (id: string) => ({ hasRoom: () => !full.has(id), reserveBytes });
  const cluster = new TestCluster({ nodes: 3, disk, ...options });
  await cluster.startAll();
  await cluster.electLeader();
  await cluster.write('before');
  await cluster.until(
    () => [...cluster.nodes.values()].every((node) => hasAll(node, ['before'])),
    'all have it',
  );
  return { cluster, full };
}

function hasAll({ machine }: TestNode, texts: readonly string[]): boolean {
  return machine.texts(0).join() === texts.join();
}

const lastIndexOf = ({ host }: TestNode): number => host.status(0).raft.lastIndex;

test('a node without room appends nothing while the others go on, and catches up when it has room', async () => {
  const { cluster, full } = await threeNodes();
  const follower = cluster.followers()[0]!;
  const before = lastIndexOf(follower);
  full.add(follower.id);
  await cluster.write('one');
  await cluster.write('two');
  await cluster.ticks(100);
  expect(lastIndexOf(follower)).toBe(before);
  full.clear();
  await cluster.until(() => hasAll(follower, ['before', 'one', 'two']), 'it has caught up');
});

test('a node without room still votes', async () => {
  const { cluster, full } = await threeNodes();
  const former = await cluster.electLeader();
  const [voter] = cluster.followers();
  full.add(voter!.id);
  cluster.crash(former.id);
  await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== former, 'another leader');
  await cluster.until(() => voter!.host.status(0).leaderNode === cluster.leader()?.id, 'it knows the leader');
  expect(cluster.leader()).toBeDefined();
});

test('a leader without room takes no proposal, and reads of what is there go on', async () => {
  const { cluster, full } = await threeNodes();
  const leader = await cluster.electLeader();
  const before = lastIndexOf(leader);
  full.add(leader.id);
  const refused = leader.host.propose(0, Buffer.from('x')).promise.catch((error: unknown) => error);
  expect(await cluster.settle(refused)).toMatchObject(
    new GrapeError('STORAGE_FULL', 'the disk of this node is full'),
  );
  expect(await cluster.settle(leader.host.readBarrier(0))).toBeLessThanOrEqual(before);
  expect(lastIndexOf(leader)).toBe(before);
  full.clear();
  await cluster.write('after');
});

test('with a majority without room nothing is committed; it is when there is room again', async () => {
  const { cluster, full } = await threeNodes();
  const leader = await cluster.electLeader();
  for (const { id } of cluster.followers()) full.add(id);
  const progress = { isDone: false };
  const writing = leader.host.propose(0, Buffer.from('one')).promise.then(() => (progress.isDone = true));
  await cluster.ticks(100);
  expect(progress.isDone).toBe(false);
  expect(cluster.leader()).toBe(leader);
  full.clear();
  await cluster.settle(writing);
});

test('a node without room takes no snapshot, and takes it when it has', async () => {
  const { cluster, full } = await threeNodes({ logCompactionThreshold: 2 });
  const follower = cluster.followers()[0]!;
  for (const { machine } of cluster.nodes.values()) machine.durable = () => 1000;
  full.add(follower.id);
  const texts = ['before', ...Array.from({ length: 20 }, (_, at) => `w${at}`)];
  for (const text of texts.slice(1)) await cluster.write(text);
  await cluster.ticks(100);
  expect(follower.machine.events).toEqual([]);
  full.clear();
  await cluster.until(() => hasAll(follower, texts), 'the state of the leader');
  expect(follower.machine.events).toContain('switch 2');
});

test('with a majority without room another leader still answers reads: what was proposed before has a reserve', async () => {
  const { cluster, full } = await threeNodes({ reserveBytes: 100 });
  const former = await cluster.electLeader();
  const heir = cluster.followers()[0]!;
  for (const { id } of cluster.nodes.values()) if (id !== heir.id) full.add(id);
  await cluster.until(() => lastIndexOf(heir) === lastIndexOf(former), 'it can lead');
  former.host.transferLeader(0, heir.id);
  await cluster.until(() => cluster.leader() === heir, 'another leader');
  await cluster.settle(heir.host.readBarrier(0));
  // The reserve has an end: 60 bytes of 100 go, 60 more do not.
  await cluster.settle(heir.host.propose(0, Buffer.alloc(60, 'a')).promise);
  const before = [...full].map((id) => lastIndexOf(cluster.node(id)));
  const refused = heir.host.propose(0, Buffer.alloc(60, 'b')).promise.catch((error: unknown) => error);
  await cluster.ticks(100);
  expect([...full].map((id) => lastIndexOf(cluster.node(id)))).toEqual(before);
  full.clear();
  await cluster.settle(refused);
});

test('a snapshot that is under way when the disk fills up is given up, and begun again when there is room', async () => {
  const { cluster, full } = await threeNodes({ logCompactionThreshold: 2 });
  const follower = cluster.followers()[0]!;
  for (const { machine } of cluster.nodes.values()) machine.durable = () => 1000;
  cluster.network.isolate(follower.id);
  const texts = ['before', ...Array.from({ length: 20 }, (_, at) => `w${at}`)];
  for (const text of texts.slice(1)) await cluster.write(text);
  follower.machine.onStep = (step) => {
    if (step === 'write') full.add(follower.id);
  };
  cluster.network.heal();
  await cluster.until(() => follower.machine.events.includes('abort 2'), 'it is given up');
  expect(follower.machine.events).toEqual(['begin 2', 'abort 2']);
  follower.machine.onStep = () => undefined;
  full.clear();
  await cluster.until(() => hasAll(follower, texts), 'the state of the leader');
});

test('the reserve is whole again each time the disk has had room', async () => {
  const { cluster, full } = await threeNodes({ reserveBytes: 100 });
  const leader = await cluster.electLeader();
  for (const text of ['a', 'b']) {
    for (const { id } of cluster.followers()) full.add(id);
    await cluster.settle(leader.host.propose(0, Buffer.alloc(60, text)).promise);
    full.clear();
    await cluster.write(`with room, after ${text}`);
  }
});
