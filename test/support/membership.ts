import { call, inParallel, upsert } from './client.ts';
import type { LocalCluster } from './cluster.ts';
import { vectorOf } from './vectors.ts';

/** Writes points with the ids `from` and up, each until it is acknowledged. */
export async function writePoints(
  url: string,
  o: { readonly from: number; readonly total: number; readonly dimension: number },
): Promise<void> {
  await inParallel(o.total, 16, async (at) => {
    const id = o.from + at;
    for (;;) {
      const reply = await upsert(url, { id, vector: vectorOf(id, o.dimension) }).catch(() => undefined);
      if (reply?.status === 200) return;
    }
  });
}

interface NodeInfo {
  readonly node_id: string;
  readonly state: string;
  readonly store_uuid: string;
}

/** What `asked` says of a node; undefined while it does not answer. */
export async function nodeInfo(
  cluster: LocalCluster,
  asked: string,
  nodeId: string,
): Promise<NodeInfo | undefined> {
  const reply = await call(cluster.url(asked), 'GET', '/cluster/nodes').catch(() => undefined);
  const nodes = (reply?.body['nodes'] ?? []) as NodeInfo[];
  return nodes.find(({ node_id }) => node_id === nodeId);
}

/** Waits until every shard is whole and the node is a caught-up voter of all that it holds. */
export async function untilHealthy(cluster: LocalCluster, nodeId: string, asked = 'node-1'): Promise<void> {
  await cluster.until(`${nodeId} is a full member`, 90_000, async () => {
    const shards = await call(cluster.url(asked), 'GET', '/cluster/shards').catch(() => undefined);
    const states = (shards?.body['shards'] as { state: string }[] | undefined)?.map(({ state }) => state);
    const isComplete = states?.every((state) => state === 'healthy') === true;
    return isComplete && (await nodeInfo(cluster, asked, nodeId))?.state === 'healthy';
  });
}
