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
    const info = await nodeInfo(cluster, asked, nodeId);
    return info?.state === 'healthy' && (await shardsAreHealthy(cluster, asked));
  });
}

/** Every node says that every node is a full member and every shard whole: a disk may be lost. */
export async function isWhole(cluster: LocalCluster): Promise<boolean> {
  const verdicts = await Promise.all(
    cluster.nodes.flatMap((asked) =>
      cluster.nodes.map(
        async ({ nodeId }) => (await nodeInfo(cluster, asked.nodeId, nodeId))?.state === 'healthy',
      ),
    ),
  );
  if (verdicts.includes(false)) return false;
  const shards = await Promise.all(cluster.nodes.map(({ nodeId }) => shardsAreHealthy(cluster, nodeId)));
  return !shards.includes(false);
}

async function shardsAreHealthy(cluster: LocalCluster, asked: string): Promise<boolean> {
  const reply = await call(cluster.url(asked), 'GET', '/cluster/shards').catch(() => undefined);
  const shards = reply?.body['shards'] as { state: string }[] | undefined;
  return shards?.every(({ state }) => state === 'healthy') === true;
}
