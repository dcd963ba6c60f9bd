import { TestCluster, type TestNode } from '../testing/test-cluster.ts';

const GROUPS = [0, 1, 2, 3];
const COMMANDS = 30;

/** Some followers are away while the logs of all groups are outrun; snapshots take their time. */
async function outrun(o: { nodes: number; away: number; leads: (group: number) => string }): Promise<{
  cluster: TestCluster;
  away: readonly TestNode[];
}> {
  const cluster = new TestCluster({
    nodes: o.nodes,
    groups: GROUPS,
    logCompactionThreshold: 8,
    snapshotBytesPerSecond: 2_000,
  });
  await cluster.startAll();
  for (const group of GROUPS) await leadOn(cluster, group, o.leads(group));
  for (const { machine } of cluster.nodes.values()) machine.durable = () => 1000;
  const away = [...cluster.nodes.values()].slice(-o.away);
  const isAway = (name: string): boolean => away.some(({ id }) => id === name);
  cluster.network.filter = (from, to) => !isAway(from) && !isAway(to);
  for (const group of GROUPS)
    for (let at = 0; at < COMMANDS; at += 1) await cluster.write(`command ${at}`, group);
  await cluster.ticks(5);
  return { cluster, away };
}

async function leadOn(cluster: TestCluster, group: number, nodeId: string): Promise<void> {
  await cluster.write('first', group);
  await cluster.until(() => {
    const leader = cluster.leader(group);
    if (leader !== undefined && leader.id !== nodeId) leader.host.transferLeader(group, nodeId);
    return leader?.id === nodeId;
  }, `${nodeId} as leader`);
}

/** Installs under way at one time on these nodes together, at most, until everybody has everything. */
async function mostAtOnce(cluster: TestCluster, away: readonly TestNode[]): Promise<number> {
  let most = 0;
  const underWay = ({ machine }: TestNode): number => {
    const count = (what: string): number => machine.events.filter((event) => event.startsWith(what)).length;
    return count('begin') - count('finish') - count('abort');
  };
  cluster.network.heal();
  await cluster.until(() => {
    most = Math.max(
      most,
      away.reduce((sum, node) => sum + underWay(node), 0),
    );
    return away.every(({ machine }) => GROUPS.every((group) => machine.texts(group).length === COMMANDS + 1));
  }, 'everything everywhere');
  return most;
}

test('a node installs two snapshots at a time; the others wait for their turn', async () => {
  // Of leaders on two nodes, which could send two each.
  const { cluster, away } = await outrun({ nodes: 3, away: 1, leads: (group) => `node-${1 + (group % 2)}` });
  expect(await mostAtOnce(cluster, away)).toBe(2);
});

test('a node sends two snapshots at a time, whomever they are for', async () => {
  const { cluster, away } = await outrun({ nodes: 5, away: 2, leads: () => 'node-1' });
  expect(await mostAtOnce(cluster, away)).toBe(2);
});
