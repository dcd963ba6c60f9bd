import { encodeFrame, SNAPSHOT_KIND } from './snapshot-frames.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';
import type { TextMachine } from '../testing/text-machine.ts';
import type { MemoryKv } from '../../storage/index.ts';

const THRESHOLD = 8;

/** Three nodes; the answer is cut off while its log is outrun. */
async function outrun(o: { snapshotBytesPerSecond?: number } = {}): Promise<{
  cluster: TestCluster;
  lagging: TestNode;
}> {
  const cluster = new TestCluster({ nodes: 3, logCompactionThreshold: THRESHOLD, ...o });
  await cluster.startAll();
  await cluster.write('first');
  await cluster.electLeader();
  for (const { machine } of cluster.nodes.values()) machine.durable = () => 1000;
  const lagging = cluster.followers()[0]!;
  cluster.network.isolate(lagging.id);
  for (let at = 0; at < 40; at += 1) await cluster.write(`command ${at}`);
  await cluster.ticks(5);
  return { cluster, lagging };
}

const expected = ['first', ...Array.from({ length: 40 }, (_, at) => `command ${at}`)];

const isEqual = (machine: TextMachine, texts: readonly string[]): boolean =>
  machine.texts(0).join() === texts.join();

describe('snapshots', () => {
  test('bring a follower up whose entries the leader has forgotten; the stream goes on behind', async () => {
    const { cluster, lagging } = await outrun();
    cluster.network.heal();
    await cluster.until(() => isEqual(lagging.machine, expected), 'the state of the leader');
    expect(lagging.machine.events).toEqual(['begin 2', 'finish 2', 'switch 2']);
    expect(lagging.host.generation(0)).toBe(2);
    await cluster.write('after');
    await cluster.until(() => isEqual(lagging.machine, [...expected, 'after']), 'the next entry');
    expect([...cluster.nodes.values()].flatMap(({ fatal }) => fatal)).toEqual([]);
    // Only the state since then is handed to the machine.
    expect(lagging.machine.calls.flat().flatMap(({ entries }) => entries).length).toBeLessThan(20);
  });

  test('resume after a broken connection, before a request or before its answer', async () => {
    const { cluster, lagging } = await outrun();
    const count = { before: 0, after: 0 };
    cluster.network.bulkFilter = (_from, _to, when) => {
      count[when] += 1;
      return count[when] % 3 !== 0;
    };
    cluster.network.heal();
    await cluster.until(() => isEqual(lagging.machine, expected), 'the state of the leader');
    expect(lagging.machine.events).toEqual(['begin 2', 'finish 2', 'switch 2']);
    expect(count.before).toBeGreaterThan(40);
    expect(count.after).toBeGreaterThan(40);
  });

  test('begin anew under another generation when the receiver fails', async () => {
    const { cluster, lagging } = await outrun();
    let fails = true;
    lagging.machine.onStep = (step) => {
      if (step !== 'finish' || !fails) return;
      fails = false;
      throw new Error('no room');
    };
    cluster.network.heal();
    await cluster.until(() => isEqual(lagging.machine, expected), 'the state of the leader');
    expect(lagging.machine.events).toEqual(['begin 2', 'abort 2', 'begin 3', 'finish 3', 'switch 3']);
  });

  test('are given up when the leadership moves; the next leader brings its own', async () => {
    const { cluster, lagging } = await outrun();
    const leader = await cluster.electLeader();
    cluster.network.bulkFilter = (from) => from !== leader.id;
    cluster.network.heal();
    await cluster.ticks(10);
    const other = cluster.followers().find((node) => node !== lagging)!;
    leader.host.transferLeader(0, other.id);
    await cluster.until(() => cluster.leader() === other, 'another leader');
    await cluster.until(() => isEqual(lagging.machine, expected), 'the state of the leader');
    expect(lagging.machine.events.at(-1)).toBe('switch 2');
  });

  test('that a newer one replaces while they are being finished never become the state', async () => {
    const { cluster, lagging } = await outrun();
    const gate = Promise.withResolvers<undefined>();
    let isFinishing = false;
    lagging.machine.onStep = async (step) => {
      if (step !== 'finish' || isFinishing) return;
      isFinishing = true;
      await gate.promise;
    };
    cluster.network.heal();
    await cluster.until(() => isFinishing, 'the last step of the first one');
    const leader = await cluster.electLeader();
    const { id: from, term, commit, confState } = leader.host.status(0).raft;
    const { id: to } = lagging.host.status(0).raft;
    const message = {
      type: 'snapshot' as const,
      from,
      to,
      term,
      snapshot: { index: commit, term, confState },
    };
    const begin = encodeFrame({ group: 0, transfer: 7, op: 'begin', message });
    await cluster.settle(cluster.network.link(leader.id).requestBulk(lagging.id, SNAPSHOT_KIND, begin, 1000));
    gate.resolve(undefined);
    await cluster.until(() => isEqual(lagging.machine, expected), 'the state of the leader');
    expect(lagging.machine.events).toContain('abort 2');
    expect(lagging.machine.events).not.toContain('switch 2');
    expect(lagging.fatal).toEqual([]);
  });

  test('are paced', async () => {
    const { cluster, lagging } = await outrun({ snapshotBytesPerSecond: 100 });
    const times = new Map<string, number>();
    lagging.machine.onStep = (step) => {
      if (!times.has(step)) times.set(step, cluster.clock.nowMs());
    };
    cluster.network.heal();
    await cluster.until(() => isEqual(lagging.machine, expected), 'the state of the leader');
    const bytes = expected.slice(1).join('').length;
    const tookMs = (times.get('finish') ?? 0) - (times.get('write') ?? 0);
    expect(tookMs).toBeGreaterThan((bytes / 100) * 1000 * 0.8);
  });

  test('start a replica that was added, which has no configuration of its own', async () => {
    const cluster = new TestCluster({ nodes: 3, logCompactionThreshold: THRESHOLD });
    const joining = { bootstrapVoters: [] };
    await cluster.start('node-1');
    await cluster.start('node-2');
    const late = await cluster.start('node-3', undefined, joining);
    for (let at = 0; at < 3; at += 1) await cluster.write(`command ${at}`);
    await cluster.until(() => isEqual(late.machine, expected.slice(1, 4)), 'the state of the leader');
    expect(late.host.status(0).raft.confState.voters).toEqual([1, 2, 3]);
    expect(late.machine.events).toContain('switch 2');
  });
});

describe('a crash during an install', () => {
  /** Runs to `step`, crashes there, and answers the node after its restart. */
  async function crashAt(step: 'write' | 'finish' | 'pointer' | 'switch'): Promise<{
    cluster: TestCluster;
    again: TestNode;
    generation: number;
  }> {
    const { cluster, lagging } = await outrun();
    let isReached = false;
    const before = step === 'pointer' ? 'finish' : step;
    lagging.machine.onStep = (at) => {
      if (at !== before || isReached) return undefined;
      isReached = true;
      return step === 'pointer' ? undefined : new Promise<void>(() => undefined);
    };
    cluster.network.heal();
    await cluster.until(() => isReached, `the step ${step}`);
    if (step === 'switch') await cluster.turns(2);
    const left = cluster.crash(lagging.id);
    const generation = await generationOf(cluster, lagging, left);
    lagging.machine.reopen(0, generation);
    const applied = lagging.machine.applied(0);
    const again = await cluster.start(lagging.id, left, { applied }, lagging.machine);
    return { cluster, again, generation };
  }

  /** What the log on the disk says. */
  async function generationOf(cluster: TestCluster, { id }: TestNode, kv: MemoryKv): Promise<number> {
    const probe = new TestCluster({ nodes: 1, groups: [] });
    const { host } = await probe.start(id, kv);
    const generation = host.generation(0);
    await host.stop();
    expect(cluster.nodes.has(id)).toBe(false);
    return generation;
  }

  test.each([
    ['write', 1],
    ['finish', 1],
    ['pointer', 1],
    ['switch', 2],
  ] as const)('at the step "%s" leaves generation %i, and the replica comes up', async (step, generation) => {
    const outcome = await crashAt(step);
    expect(outcome.generation).toBe(generation);
    expect(outcome.again.host.status(0).damage).toBeUndefined();
    await outcome.cluster.write('after');
    await outcome.cluster.until(
      () => isEqual(outcome.again.machine, [...expected, 'after']),
      'the state of the leader',
    );
    expect(outcome.again.fatal).toEqual([]);
  });
});
