/**
 * `make chaos MINUTES=5 SEED=.. NODES=3 LEASES=1`: server processes under faults that overlap, clients that put, get, delete and search, and
 * three checks of what they saw. Exit code 1 when anything is wrong. The history, the faults and the logs stay in a directory.
 */
import { appendFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../server/src/base/index.ts';
import { LocalCluster } from '../support/cluster.ts';
import { NodeClocks } from './clocks.ts';
import { DiskLosses } from './disk-losses.ts';
import { FAULTS, killMajority, type World } from './faults.ts';
import { DISK_FAULTS, FullDisks, NOTICED_MS, SMALL_DISK_LIMITS } from './full-disks.ts';
import { differencesBetweenNodes } from './final-state.ts';
import { History, nowNs } from './history.ts';
import { checkKey } from './linearizable.ts';
import { LinkProxy } from './link-proxy.ts';
import { checkVersions } from './version-order.ts';
import { DIMENSION, Workload } from './workload.ts';

const MINUTES = Number(process.env['MINUTES'] ?? 1.5);
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e6));
const PORT_OFFSET = Number(process.env['PORT_OFFSET'] ?? 1_200 + (process.pid % 100) * 60);
const NODES = Number(process.env['NODES'] ?? 3);
const CLIENTS = 18;
const PROXY_OFFSET = 30;
const OPERATIONS_PER_SECOND_MIN = 100;
const FAULTS_MIN = 20;
const READY_MS = 60_000;
/** Longest time without faults of other nodes while one comes back with a new disk. */
const RETURN_MS = 20_000;
const ON_THE_WAY_BACK = ['kill at once', 'connections reset', 'slow links', 'cut off, then late'];

const random = seededRandom(SEED);
const directory = await mkdtemp(join(tmpdir(), 'grape-chaos-'));
/** So short that a node which was away for a moment is brought back by snapshots. */
const LITTLE_LOG = { 'raft.log_compaction_threshold': 10, 'raft.snapshot_interval': 5 };
const LEASES = process.env['LEASES'] === undefined ? SEED % 2 === 1 : process.env['LEASES'] === '1';
const clocks = new NodeClocks(directory);
const cluster = new LocalCluster({
  nodeCount: NODES,
  directory,
  dimension: DIMENSION,
  portOffset: PORT_OFFSET,
  set: { ...LITTLE_LOG, 'raft.lease_reads': LEASES },
  envOf: (nodeId) => clocks.environment(nodeId),
});
const proxies = new Map(
  cluster.nodes.map((node) => [node.nodeId, new LinkProxy({ nodeId: node.nodeId, port: node.raftPort })]),
);
const proxyPort = (nodeId: string): number => cluster.node(nodeId).raftPort + PROXY_OFFSET;
const fullDisks = await FullDisks.mount(cluster, `node-${NODES}`);
const start = async (nodeId: string): Promise<void> => {
  await cluster.start(nodeId, {
    'cluster.raft_address': `127.0.0.1:${proxyPort(nodeId)}`,
    ...(nodeId === fullDisks?.nodeId ? SMALL_DISK_LIMITS : {}),
  });
};
const world: World = { cluster, proxies, start, clocks, random };
const losses = new DiskLosses(world, directory);
const history = new History(join(directory, 'history.jsonl'));
const counts = new Map<string, number>();
/** It waits until the cluster can bear it. */
let isLossDue = false;

console.log(`chaos: SEED=${SEED}, ${MINUTES} minutes, leases ${LEASES ? 'on' : 'off'}, in ${directory}`);
process.on('SIGINT', () => void end().then(() => process.exit(130)));
let problems: string[] = [];
try {
  for (const [nodeId, proxy] of proxies) await proxy.listen(proxyPort(nodeId));
  await Promise.all(cluster.nodes.map(({ nodeId }) => start(nodeId)));
  await cluster.allReady(READY_MS);
  problems = await run();
} catch (error) {
  problems.push(`the run failed: ${error instanceof Error ? error.message : String(error)}`);
} finally {
  await end();
}
for (const problem of problems) console.error(`chaos: ${problem}`);
if (problems.length === 0) await rm(directory, { recursive: true });
else console.error(`chaos: SEED=${SEED} failed; history, faults and logs are in ${directory}`);
console.log(`chaos: ${problems.length === 0 ? 'nothing was wrong' : `${problems.length} problems`}`);
process.exit(problems.length === 0 ? 0 : 1);

async function end(): Promise<void> {
  await cluster.stopAll('SIGKILL');
  for (const proxy of proxies.values()) await proxy.close();
  fullDisks?.unmount();
}

async function run(): Promise<string[]> {
  const startMs = performance.now();
  const workload = new Workload(
    { urls: cluster.nodes.map(({ nodeId }) => cluster.url(nodeId)), random, history },
    CLIENTS,
  );
  const untilMs = startMs + MINUTES * 60_000;
  for (let round = 1; performance.now() < untilMs; round += 1) await faultRound(round);
  await workload.stop();
  history.flush();
  const seconds = (performance.now() - startMs) / 1000;
  await cluster.allReady(READY_MS);
  return [...(await verdicts()), ...(await figures(seconds))];
}

/** One or two nodes suffer at once, of two different faults: the two together leave no majority for a while. */
async function faultRound(round: number): Promise<void> {
  const names = Object.keys(FAULTS);
  const nodes = cluster.nodes.map(({ nodeId }) => nodeId);
  const ends: (() => Promise<void>)[] = [];
  let leastMs = 500;
  if (round % 6 === 3) isLossDue = true;
  if (isLossDue) isLossDue = !(await diskRound());
  if (round % 4 === 2 && fullDisks !== undefined) {
    leastMs = NOTICED_MS;
    const { fault, end: makeRoom } = await fullDisks.next(world);
    note(fault, fullDisks.nodeId);
    ends.push(makeRoom);
  }
  if (round % 8 === 0) {
    note('majority killed', 'node-1, node-2');
    ends.push(await killMajority(world));
  } else {
    const first = random.int(nodes.length);
    const victims = [first, ...(random.int(3) === 0 ? [(first + 1) % nodes.length] : [])].map(
      (at) => nodes[at] as string,
    );
    for (const victim of victims) {
      const name = names[random.int(names.length)] as string;
      note(name, victim);
      ends.push(await (FAULTS[name] as (typeof FAULTS)[string])(world, victim));
    }
  }
  await pause(leastMs + random.int(2_500));
  for (const end of ends) await end();
  note('healed', '');
  await pause(200 + random.int(1_800));
}

/**
 * The node that has lost its disk suffers further on its way back. The others are spared meanwhile: with one disk gone, one
 * more node away is the end of the majority, and there would be little left to see. False when the cluster is not whole.
 */
async function diskRound(): Promise<boolean> {
  const loss = await losses.next();
  if (loss === undefined) return false;
  note(loss.fault, loss.nodeId);
  const untilMs = performance.now() + RETURN_MS;
  while (performance.now() < untilMs && !(await losses.isRepaired())) {
    const name = ON_THE_WAY_BACK[random.int(ON_THE_WAY_BACK.length)] as string;
    note(name, loss.nodeId);
    const end = await (FAULTS[name] as (typeof FAULTS)[string])(world, loss.nodeId);
    await pause(500);
    await end();
    await pause(2_000 + random.int(2_000));
  }
  return true;
}

function note(fault: string, nodeId: string): void {
  if (fault !== 'healed') counts.set(fault, (counts.get(fault) ?? 0) + 1);
  appendFileSync(join(directory, 'faults.jsonl'), `${JSON.stringify({ at: nowNs(), fault, nodeId })}\n`);
}

async function verdicts(): Promise<string[]> {
  const found: string[] = [];
  for (const [key, operations] of history.byKey()) {
    found.push(...checkVersions(key, operations));
    const verdict = checkKey(operations);
    if (verdict !== 'linearizable') found.push(`${key}: ${verdict}`);
  }
  return [...found, ...(await differencesBetweenNodes(cluster))];
}

async function figures(seconds: number): Promise<string[]> {
  const { operations } = history;
  const done = operations.filter(({ ok }) => ok).length;
  const open = operations.filter((operation) => operation.return === null).length;
  const faults = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const perSecond = done / seconds;
  console.log(
    `chaos: ${operations.length} operations on ${history.byKey().size} keys in ${seconds.toFixed(0)} s, ` +
      `${done} done (${perSecond.toFixed(0)}/s), ${open} of unknown outcome, ${faults} faults`,
  );
  console.log(`chaos: ${[...counts].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  const snapshots = await snapshotsReceived();
  console.log(`chaos: ${snapshots} snapshots received`);
  const found: string[] = [];
  if (MINUTES >= 1.5 && snapshots === 0) found.push('no snapshot was sent');
  const disks = (counts.get('wiped disk') ?? 0) + (counts.get('disk set back') ?? 0);
  if (MINUTES >= 1.5 && disks === 0) found.push('no disk was lost');
  const filled = DISK_FAULTS.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
  if (MINUTES >= 1.5 && fullDisks !== undefined && filled === 0) found.push('no disk was full');
  if (perSecond < OPERATIONS_PER_SECOND_MIN) found.push(`only ${perSecond.toFixed(0)} operations/s`);
  if (MINUTES >= 1.5 && faults < FAULTS_MIN) found.push(`only ${faults} faults`);
  return found;
}

async function snapshotsReceived(): Promise<number> {
  let count = 0;
  for (const node of cluster.nodes) {
    const log = await readFile(join(node.directory, 'server.log'), 'utf8');
    count += log.split('a snapshot is being received').length - 1;
  }
  return count;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
