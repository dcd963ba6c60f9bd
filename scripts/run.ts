/** `make run`: a cluster on this machine with real data in it, until Ctrl-C. Environment: NODES (3), PORT_OFFSET (0). */
import { join } from 'node:path';
import { loadDataset, rowOf } from '../bench/src/dataset.ts';
import { loadPoints, vectorText } from '../bench/src/load-points.ts';
import { LocalCluster } from '../bench/src/local-cluster.ts';

const nodeCount = Number(process.env['NODES'] ?? 3);
if (![1, 3, 5].includes(nodeCount)) {
  console.error(`NODES=${process.env['NODES'] ?? ''}: choose 1, 3 or 5 nodes`);
  process.exit(2);
}
const directory = join(process.cwd(), 'data', nodeCount === 1 ? 'single' : 'cluster');
const data = await loadDataset('sample');
const portOffset = Number(process.env['PORT_OFFSET'] ?? 0);
const cluster = new LocalCluster({ nodeCount, directory, dimension: data.dimension, portOffset });
const first = cluster.url('node-1');
let stopping = false;

async function shutDown(reason: string, code: number): Promise<never> {
  if (stopping) return new Promise<never>(() => undefined);
  stopping = true;
  console.log(`\n${reason}: stopping ${nodeCount} node(s), data stays in ${directory}`);
  await cluster.stopAll();
  console.log('stopped');
  process.exit(code);
}
process.on('SIGINT', () => void shutDown('interrupted', 0));
process.on('SIGTERM', () => void shutDown('terminated', 0));

try {
  console.log(`starting ${nodeCount} node(s), data under ${directory}`);
  await cluster.startAll();
  await cluster.allReady();
  console.log(`ready: ${cluster.nodes.map((node) => cluster.url(node.nodeId)).join('  ')}`);
  await loadSampleIfEmpty();
  printNextSteps();
  watchNodes();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await shutDown('failed', 1);
}

async function loadSampleIfEmpty(): Promise<void> {
  const answer = await fetch(`${first}/vectors/count`, { method: 'POST' });
  if (!answer.ok) throw new Error(`counting the points: ${answer.status} ${await answer.text()}`);
  const { count } = (await answer.json()) as { count: number };
  if (count > 0) {
    console.log(`the cluster already holds ${count} points`);
    return;
  }
  const ports = cluster.nodes.map((node) => node.restPort);
  await loadPoints(
    data,
    { from: 0, to: data.count },
    { ports, batchPoints: 100, connections: 3, onProgress: showProgress },
  );
}

/** A line that rewrites itself on a terminal, a line per quarter elsewhere. */
function showProgress(done: number): void {
  const text = `loading the sample: ${done} of ${data.count} points`;
  if (process.stdout.isTTY) process.stdout.write(`\r${text}${done === data.count ? '\n' : ''}`);
  else if (done % (data.count / 4) === 0) console.log(text);
}

function printNextSteps(): void {
  const query = vectorText(rowOf(data.queries, 0, data.dimension));
  const kill =
    nodeCount === 1
      ? ''
      : `\n# kill a node and search again: nothing is lost\nkill -9 ${cluster.pid('node-3') ?? ''}\n`;
  console.log(`
Try next, in another terminal:

# the cluster
curl ${first}/cluster/info
curl ${first}/vectors/42
# a search with a real sentence embedding ("${lemmaOf(0)}" is point 0)
curl ${cluster.url(cluster.nodes.at(-1)?.nodeId ?? 'node-1')}/vectors/search -H 'content-type: application/json' -d '{"limit":3,"vector":${query}}'
# a write through any node, visible to the next search on every node
curl -X DELETE ${first}/vectors/42
${kill}
Ctrl-C stops everything.`);
}

function lemmaOf(row: number): string {
  return (JSON.parse(data.payloads[row] ?? '{}') as { lemma?: string }).lemma ?? '';
}

/** Says when a node ends; the launcher goes on as long as one is left, as a cluster does. */
function watchNodes(): void {
  const seen = new Set(cluster.nodes.map((node) => node.nodeId));
  setInterval(() => {
    for (const nodeId of seen) {
      if (cluster.isRunning(nodeId)) continue;
      seen.delete(nodeId);
      if (!stopping) console.log(`${nodeId} has ended; 'make run' starts it again together with the others`);
    }
    if (seen.size === 0) void shutDown('no node is left', 1);
  }, 500);
}
