import { createHash } from 'node:crypto';
import type { LocalCluster } from '../support/cluster.ts';
import { call } from '../support/client.ts';

const SETTLE_MS = 60_000;

/**
 * After the faults: every node answers a strong read, and then the replicas of every node, read one by one, are equal: ids,
 * vectors, payloads and versions. Answers a line for each difference that stays.
 */
export async function differencesBetweenNodes(cluster: LocalCluster): Promise<string[]> {
  let last: string[] = [];
  try {
    await cluster.until('all replicas are equal', SETTLE_MS, async () => {
      last = await differences(cluster);
      return last.length === 0;
    });
    return [];
  } catch {
    return last;
  }
}

async function differences(cluster: LocalCluster): Promise<string[]> {
  const nodes = cluster.nodes.map(({ nodeId }) => nodeId);
  const strong = await Promise.all(nodes.map((nodeId) => digestOf(cluster.url(nodeId), 'strong')));
  const own = await Promise.all(nodes.map((nodeId) => digestOf(cluster.url(nodeId), 'eventual')));
  return nodes.flatMap((nodeId, at) => {
    const found: string[] = [];
    if (strong[at] !== strong[0])
      found.push(`a strong read at ${nodeId}: ${strong[at]}, at ${nodes[0]}: ${strong[0]}`);
    if (own[at] !== strong[0])
      found.push(`the replicas of ${nodeId}: ${own[at]}, a strong read: ${strong[0]}`);
    return found;
  });
}

/** Number and hash of all points, in id order. */
async function digestOf(url: string, consistency: 'strong' | 'eventual'): Promise<string> {
  const hash = createHash('sha256');
  let count = 0;
  let cursor: string | null | undefined;
  do {
    const body = { limit: 1000, with_vector: true, consistency, ...(cursor !== undefined && { cursor }) };
    const reply = await call(url, 'POST', '/vectors/scroll', body);
    if (reply.status !== 200) return `status ${reply.status}: ${JSON.stringify(reply.body)}`;
    const points = reply.body['points'] as unknown[];
    for (const point of points) hash.update(JSON.stringify(point));
    count += points.length;
    cursor = reply.body['next_cursor'] as string | null;
  } while (cursor !== null);
  return `${count} points ${hash.digest('hex').slice(0, 16)}`;
}
