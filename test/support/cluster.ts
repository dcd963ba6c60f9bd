import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterOptions, LocalCluster } from '../../bench/src/local-cluster.ts';

export { LocalCluster };

/**
 * Each test gets ports of its own, so that a port still closing never disturbs the next cluster. All of them stay below
 * 32,768: above, the kernel gives them to outgoing connections.
 */
let nextOffset = 1_000 + (process.pid % 70) * 300;

export type TestClusterOptions = Omit<ClusterOptions, 'directory' | 'portOffset'>;

/** Runs `body` with a cluster in a fresh directory; stops it, and shows the logs of the nodes when `body` fails. */
export async function withCluster(
  options: TestClusterOptions,
  body: (cluster: LocalCluster) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'grape-test-'));
  nextOffset += 60;
  const cluster = new LocalCluster({ ...options, directory, portOffset: nextOffset });
  try {
    await body(cluster);
  } catch (error) {
    for (const node of cluster.nodes) process.stderr.write(await tailOfLog(cluster, node.nodeId));
    throw error;
  } finally {
    await cluster.stopAll('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
}

async function logOf(cluster: LocalCluster, nodeId: string): Promise<string> {
  return readFile(join(cluster.node(nodeId).directory, 'server.log'), 'utf8').catch(() => '');
}

/** Whether a line of the node's log matches. */
export async function isLogged(cluster: LocalCluster, nodeId: string, pattern: RegExp): Promise<boolean> {
  return (await logOf(cluster, nodeId)).split('\n').some((line) => pattern.test(line));
}

/** Waits until a line of the node's log matches, or so many do. */
export async function untilLogged(
  cluster: LocalCluster,
  nodeId: string,
  pattern: RegExp,
  times = 1,
): Promise<void> {
  await cluster.until(`${nodeId} logs ${String(pattern)} ${times} times`, 30_000, async () => {
    const lines = (await logOf(cluster, nodeId)).split('\n');
    return lines.filter((line) => pattern.test(line)).length >= times;
  });
}

async function tailOfLog(cluster: LocalCluster, nodeId: string): Promise<string> {
  const lines = (await logOf(cluster, nodeId)).trimEnd().split('\n').slice(-25);
  return `--- ${nodeId}\n${lines.join('\n')}\n`;
}
