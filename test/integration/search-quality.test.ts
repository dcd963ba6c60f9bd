import { exactNeighbours, loadDataset, rowOf } from '../../bench/src/dataset.ts';
import { loadPoints } from '../../bench/src/load-points.ts';
import { recallAt } from '../../bench/src/stats.ts';
import { call, search } from '../support/client.ts';
import { withCluster } from '../support/cluster.ts';

jest.setTimeout(180_000);

test('exact search equals the exact answer; the default search reaches recall 0.95 on real embeddings, others what they ask for', async () => {
  const data = await loadDataset('sample');
  const queryCount = 200;
  const truth = exactNeighbours({ ...data, queryCount }, 10);
  await withCluster({ nodeCount: 3, dimension: data.dimension }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const ports = cluster.nodes.map((node) => node.restPort);
    await loadPoints(data, { from: 0, to: data.count }, { ports, batchPoints: 100, connections: 3 });
    const found = async (extra: object): Promise<number[][]> =>
      Promise.all(
        truth.map(async (_, query) => {
          const vector = Array.from(rowOf(data.queries, query, data.dimension));
          const url = cluster.url(`node-${(query % 3) + 1}`);
          const hits = await search(url, { vector, limit: 10, with_payload: false, ...extra });
          return hits.map((hit) => Number(hit.id));
        }),
      );
    expect(recallAt(await found({ exact: true }), truth)).toBe(1);
    expect(recallAt(await found({}), truth)).toBeGreaterThanOrEqual(0.95);

    for (const { nodeId } of cluster.nodes) {
      await cluster.until(`${nodeId} has measured its recall`, 60_000, async () => {
        const { body } = await call(cluster.url(nodeId), 'GET', '/metrics');
        return /^grape_search_recall\{k="10"\} 0\.9|^grape_search_recall\{k="10"\} 1$/m.test(
          String(body['text']),
        );
      });
    }
    expect(recallAt(await found({ target_recall: 0.98 }), truth)).toBeGreaterThanOrEqual(0.97);
  });
});
