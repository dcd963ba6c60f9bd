import type { LogFields } from '../../observability/index.ts';
import { silentLogger } from '../../observability/index.ts';
import type { SnapshotSource } from '../types.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';

const AT_ONCE = 2;
const COMMANDS = 40;

interface Counted {
  /** At this moment, and at most so far. */
  now: number;
  most: number;
}

interface Run {
  readonly cluster: TestCluster;
  readonly lagging: TestNode;
  readonly installs: Counted;
  /** By node. */
  readonly sends: ReadonlyMap<string, Counted>;
  readonly warnings: { readonly message: string; readonly fields: LogFields | undefined }[];
}

/** Three nodes; the log of node-3 is outrun in the groups `outrun`, which are led by the node that `leaderOf` names. */
async function outrun(o: {
  readonly groups: readonly number[];
  readonly outrun: readonly number[];
  readonly leaderOf: (group: number) => string;
}): Promise<Run> {
  const warnings: Run['warnings'] = [];
  const logger = {
    ...silentLogger,
    warn: (message: string, fields?: LogFields) => warnings.push({ message, fields }),
  };
  const cluster = new TestCluster({
    nodes: 3,
    groups: o.groups,
    logCompactionThreshold: 8,
    snapshotBytesPerSecond: 500,
    logger,
  });
  await cluster.startAll();
  for (const { machine } of cluster.nodes.values()) machine.durable = () => 1000;
  for (const group of o.groups) {
    await cluster.write('first', group);
    await lead(cluster, group, o.leaderOf(group));
  }
  const lagging = cluster.node('node-3');
  const sends = new Map([...cluster.nodes.values()].map((node) => [node.id, countSends(node)]));
  const installs = countInstalls(lagging);
  cluster.network.isolate(lagging.id);
  for (const group of o.outrun) {
    for (let at = 0; at < COMMANDS; at += 1) await cluster.write(`command ${at}`, group);
  }
  await cluster.ticks(5);
  return { cluster, lagging, installs, sends, warnings };
}

async function lead(cluster: TestCluster, group: number, node: string): Promise<void> {
  await cluster.until(() => {
    const leader = cluster.leader(group);
    if (leader !== undefined && leader.id !== node) leader.host.transferLeader(group, node);
    return leader?.id === node;
  }, `${node} leads group ${group}`);
}

function countSends({ machine }: TestNode): Counted {
  const count = { now: 0, most: 0 };
  const open = machine.openSnapshot.bind(machine);
  machine.openSnapshot = async (group): Promise<SnapshotSource> => {
    const source = await open(group);
    up(count);
    const close = (): void => {
      count.now -= 1;
      source.close();
    };
    return { ...source, close };
  };
  return count;
}

function countInstalls({ machine }: TestNode): Counted {
  const count = { now: 0, most: 0 };
  const begin = machine.beginInstall.bind(machine);
  machine.beginInstall = async (group, at) => {
    const sink = await begin(group, at);
    up(count);
    const ends = async (end: () => Promise<void>): Promise<void> => {
      count.now -= 1;
      await end();
    };
    return { ...sink, finish: () => ends(() => sink.finish()), abort: () => ends(() => sink.abort()) };
  };
  return count;
}

function up(count: Counted): void {
  count.now += 1;
  count.most = Math.max(count.most, count.now);
}

async function untilWhole({ cluster, lagging }: Run, groups: readonly number[]): Promise<void> {
  cluster.network.heal();
  const isWhole = (group: number): boolean => lagging.machine.texts(group).length === COMMANDS + 1;
  await cluster.until(() => groups.every(isWhole), 'the state of the leaders');
}

describe('snapshots at the same time', () => {
  test('a leader sends two, the others wait for their turn', async () => {
    const groups = [0, 1, 2, 3];
    const run = await outrun({ groups, outrun: groups, leaderOf: () => 'node-1' });
    await untilWhole(run, groups);
    expect(run.sends.get('node-1')?.most).toBe(AT_ONCE);
  });

  test('a node installs two, whoever sends them; the others are refused, and come later', async () => {
    const groups = [0, 1, 2, 3];
    const leaderOf = (group: number): string => (group < 2 ? 'node-1' : 'node-2');
    const run = await outrun({ groups, outrun: groups, leaderOf });
    await untilWhole(run, groups);
    expect(run.installs.most).toBe(AT_ONCE);
    expect([...run.sends.values()].reduce((sum, { most }) => sum + most, 0)).toBeGreaterThan(AT_ONCE);
  });

  test('one that is refused again and again is logged once, until something else is said', async () => {
    const groups = [0, 1, 2, 3];
    const leaderOf = (group: number): string => (group < 2 ? 'node-1' : 'node-2');
    const run = await outrun({ groups, outrun: groups, leaderOf });
    await untilWhole(run, groups);
    const refused = run.warnings.filter(({ fields }) =>
      String(fields?.['reason']).includes('installs other snapshots'),
    );
    expect(refused.length).toBeGreaterThan(0);
    const of = refused.map(({ fields }) => `${String(fields?.['group'])}/${String(fields?.['to'])}`);
    expect(of).toEqual([...new Set(of)]);
  });

  test('one group alone: the others, which lack little, get entries', async () => {
    const run = await outrun({ groups: [0, 1], outrun: [0], leaderOf: () => 'node-1' });
    await run.cluster.write('more', 1);
    await untilWhole(run, [0]);
    await run.cluster.until(
      () => run.lagging.machine.texts(1).join() === 'first,more',
      'the entry of the other',
    );
    expect([run.lagging.host.generation(0), run.lagging.host.generation(1)]).toEqual([2, 1]);
  });
});
