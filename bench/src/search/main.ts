/**
 * `make bench-search`: searches over REST on one node and on three, with JSON and binary bodies, 1, 8 and 32 connections, at the
 * smallest `ef` that reaches each recall; then the same while points are written. Prints rates and, as the fair figure where servers
 * and client share a machine, searches per second and core. Writes JSON to bench/results/search.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { closedLoop } from '../closed-loop.ts';
import { pointBody } from '../load-points.ts';
import { BenchCluster, type Measured } from './bench-cluster.ts';
import { type DatasetWithTruth, datasetOf } from './data-directory.ts';
import { type Format, FORMATS, searchCalls } from './queries.ts';

const K = 10;
const EFS = [16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 192];
const RECALLS = [0.95, 0.99];
const CONNECTIONS = [1, 8, 32];
const BATCH_POINTS = 500;
/** Until the compilers of V8 have done most of what they will do: a server runs for longer than a benchmark. */
const WARM_UP = 10_000;
const SEARCHES = 10_000;
/** Searches while points are written at this rate. */
const WRITES_PER_SECOND = 500;
const WRITE_BATCH = 50;

interface Row extends Measured {
  readonly nodes: number;
  readonly format: Format;
  readonly connections: number;
  readonly ef: number;
  readonly recall: number;
  readonly isWritten: boolean;
}

const set = await datasetOf(process.env['DATA'], K);
const rows: Row[] = [];
const loads: { readonly nodes: number; readonly acknowledged: number; readonly linked: number }[] = [];
console.log(`${set.data.count} vectors of ${set.data.dimension} dimensions, ${machine()}`);
for (const nodes of [1, 3]) {
  const cluster = await BenchCluster.start(nodes, set.data);
  try {
    const load = { nodes, ...(await cluster.load(BATCH_POINTS)) };
    loads.push(load);
    const [acknowledged, linked] = [load.acknowledged, load.linked].map(Math.round);
    console.log(
      `\n${nodes} node(s): batches of ${BATCH_POINTS}: ${acknowledged} points/s, ${linked} points/s until linked`,
    );
    for (const recall of RECALLS) await atRecall(cluster, nodes, recall);
  } finally {
    await cluster.stop();
  }
}
const directory = join(import.meta.dirname, '..', '..', 'results');
await mkdir(directory, { recursive: true });
await writeFile(
  join(directory, 'search.json'),
  `${JSON.stringify({ machine: machine(), loads, rows }, null, 2)}\n`,
);

async function atRecall(cluster: BenchCluster, nodes: number, target: number): Promise<void> {
  const { ef, recall } = await smallestEf(cluster, set, target);
  console.log(`recall@${K} ${recall.toFixed(4)} with ef ${ef}:`);
  for (const format of FORMATS) {
    const calls = searchCalls(set.data, format, { k: K, ef });
    await cluster.measure({ calls, connections: 8, total: WARM_UP });
    for (const connections of CONNECTIONS) {
      const measured = await cluster.measure({ calls, connections, total: SEARCHES });
      add({ ...measured, nodes, format, connections, ef, recall, isWritten: false });
    }
    const stop = startWriting(cluster);
    const measured = await cluster.measure({ calls, connections: 8, total: SEARCHES });
    await stop();
    add({ ...measured, nodes, format, connections: 8, ef, recall, isWritten: true });
  }
}

async function smallestEf(
  cluster: BenchCluster,
  { data, truth }: DatasetWithTruth,
  target: number,
): Promise<{ readonly ef: number; readonly recall: number }> {
  for (const ef of EFS) {
    const recall = await cluster.recall(searchCalls(data, 'binary', { k: K, ef }), truth);
    if (recall >= target || ef === EFS.at(-1)) return { ef, recall };
  }
  throw new Error('there are numbers of candidates');
}

/** Writes points anew at a steady rate until the answer is called. */
function startWriting(cluster: BenchCluster): () => Promise<void> {
  const state = { isOver: false, from: 0 };
  const writing = (async () => {
    for (const startMs = performance.now(); !state.isOver; state.from += WRITE_BATCH) {
      const points = Array.from({ length: WRITE_BATCH }, (_, i) =>
        pointBody(set.data, (state.from + i) % set.data.count),
      );
      const make = () => ({ path: '/vectors', body: `{"points":[${points.join(',')}]}` });
      await closedLoop({ ports: cluster.ports, connections: 1, calls: 1, make });
      const dueMs = startMs + (1000 * (state.from + WRITE_BATCH)) / WRITES_PER_SECOND;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    }
  })();
  return async () => {
    state.isOver = true;
    await writing;
  };
}

function add(row: Row): void {
  rows.push(row);
  const what = `${row.format}, ${row.connections} connections${row.isWritten ? `, ${WRITES_PER_SECOND} points/s written` : ''}`;
  const rates = `${Math.round(row.perSecond)}/s, ${Math.round(row.perSecondAndCore)}/s and core`;
  console.log(`  ${what}: ${rates}, p50 ${row.p50Ms.toFixed(1)} ms, p95 ${row.p95Ms.toFixed(1)} ms`);
}

function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, Node.js ${process.version}`;
}
