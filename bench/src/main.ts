/**
 * `make bench`: three nodes and this client on one machine. Writes single points, then batches, waits until the graphs
 * have caught up, then searches at several `ef` with measured recall. Prints rates, latencies and memory.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedLoop, type LoopOptions } from './closed-loop.ts';
import { cpuMsOf } from './cpu-time.ts';
import { type Dataset, exactNeighbours, loadDataset, rowOf } from './dataset.ts';
import { pointBody, vectorText } from './load-points.ts';
import { LocalCluster } from './local-cluster.ts';
import { recallAt } from './stats.ts';

/** Calls before measuring, so that the compilers of the servers have seen the code: the first points, the first queries. */
const WARM_UP_POINTS = 1_500;
const WARM_UP_SEARCHES = 6_000;
const SINGLE_POINTS = 4_000;
const BATCH_POINTS = 100;
const SEARCHES = 6_000;
const K = 10;
const PORT_OFFSET = Number(process.env['PORT_OFFSET'] ?? 500);

const directory = await mkdtemp(join(tmpdir(), 'grape-bench-'));
const data = await loadDataset('full');
const truth = exactNeighbours(data, K);
const cluster = new LocalCluster({
  nodeCount: 3,
  directory,
  dimension: data.dimension,
  portOffset: PORT_OFFSET,
  ownSessions: false,
});
const ports = cluster.nodes.map((node) => node.restPort);
process.on('SIGINT', () => void cluster.stopAll('SIGKILL').then(() => process.exit(130)));

try {
  await cluster.startAll();
  await cluster.allReady();
  console.log(
    `three nodes, ${data.count} real vectors of ${data.dimension} dimensions, client on the same machine`,
  );
  await writes();
  await linked();
  await closedLoop({ ...searchLoop(queryBodies(data, undefined)), calls: WARM_UP_SEARCHES });
  for (const ef of [undefined, 24, 32, 48, 64]) await searches(ef);
  await memory();
  await cluster.stopAll();
  await rm(directory, { recursive: true, force: true });
} catch (error) {
  await cluster.stopAll('SIGKILL');
  console.error(`failed; logs and data of the nodes are in ${directory}`);
  throw error;
}

async function writes(): Promise<void> {
  const singles = Array.from({ length: WARM_UP_POINTS + SINGLE_POINTS }, (_, i) => pointBody(data, i));
  const singleWrites = (first: number, calls: number): LoopOptions => ({
    ports,
    connections: 64,
    calls,
    make: (i) => ({ path: '/vectors', body: singles[first + i] as string }),
  });
  await closedLoop(singleWrites(0, WARM_UP_POINTS));
  await measured('single writes, 64 connections', 1, singleWrites(WARM_UP_POINTS, SINGLE_POINTS));
  const batches: string[] = [];
  for (let from = singles.length; from < data.count; from += BATCH_POINTS) {
    const points = Array.from({ length: BATCH_POINTS }, (_, i) => pointBody(data, from + i));
    batches.push(`{"points":[${points.join(',')}]}`);
  }
  await measured('batches of 100, 4 connections', BATCH_POINTS, {
    ports,
    connections: 4,
    calls: batches.length,
    make: (i) => ({ path: '/vectors', body: batches[i] as string }),
  });
}

/** Waits until no node scans a tail any more: `grape_index_unlinked` of /metrics is 0. */
async function linked(): Promise<void> {
  const start = performance.now();
  await cluster.until('every vector is linked into the graphs', 120_000, async () => {
    const tails = await Promise.all(
      cluster.nodes.map((node) => metric(node.metricsPort, 'grape_index_unlinked')),
    );
    return tails.every((tail) => tail === 0);
  });
  console.log(`graphs caught up ${((performance.now() - start) / 1000).toFixed(1)} s after the last write`);
}

async function searches(ef: number | undefined): Promise<void> {
  const bodies = queryBodies(data, ef);
  const found: number[][] = Array.from({ length: data.queryCount }, () => []);
  const options: LoopOptions = {
    ...searchLoop(bodies),
    onAnswer: (i, answer) => {
      if (i >= data.queryCount) return;
      const { results } = JSON.parse(answer.body.toString()) as { results: { id: number }[] };
      found[i] = results.map((result) => result.id);
    },
  };
  const what = `searches, 8 connections, ef ${ef ?? 'default'}`;
  await measured(what, 1, options, () => `, recall@10 ${recallAt(found, truth).toFixed(4)}`);
}

function searchLoop(bodies: readonly string[]): LoopOptions {
  return {
    ports,
    connections: 8,
    calls: SEARCHES,
    make: (i) => ({ path: '/vectors/search', body: bodies[i % data.queryCount] as string }),
  };
}

function queryBodies(set: Dataset, ef: number | undefined): string[] {
  const extra = ef === undefined ? '' : `,"ef":${ef}`;
  return Array.from({ length: set.queryCount }, (_, row) => {
    return `{"limit":${K}${extra},"vector":${vectorText(rowOf(set.queries, row, set.dimension))}}`;
  });
}

async function memory(): Promise<void> {
  for (const node of cluster.nodes) {
    const status = await readFile(`/proc/${cluster.pid(node.nodeId)}/status`, 'utf8');
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
    console.log(`${node.nodeId}: ${Math.round(kilobytes / 1024)} MB resident`);
  }
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`the metric ${name} is missing`);
  return Number(value);
}

/** Runs one phase and prints it; processor time tells more than rates on a machine with other work. */
async function measured(
  what: string,
  pointsPerCall: number,
  options: LoopOptions,
  extra = (): string => '',
): Promise<void> {
  const servers = cluster.nodes.map((node) => cluster.pid(node.nodeId) as number);
  const [serversBefore, clientBefore] = [cpuMsOf(servers), cpuMsOf([process.pid])];
  const summary = await closedLoop(options);
  const operations = options.calls * pointsPerCall;
  const serverMs = ((cpuMsOf(servers) - serversBefore) / operations).toFixed(2);
  const clientMs = ((cpuMsOf([process.pid]) - clientBefore) / operations).toFixed(2);
  const latency = [summary.p50Ms, summary.p95Ms, summary.p99Ms].map((value) => value.toFixed(1)).join(' / ');
  console.log(
    `${what}${extra()}: ${Math.round(summary.perSecond * pointsPerCall)}/s, p50/p95/p99 ${latency} ms, ` +
      `processor ms each: servers ${serverMs}, client ${clientMs}`,
  );
}
