import { call, callWith, count, search } from '../support/client.ts';
import { withCluster } from '../support/cluster.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 8;
const POINTS = 600;
const NODES = ['node-1', 'node-2', 'node-3'];

jest.setTimeout(180_000);

test('filters, patches and conditions on real processes, through every node', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const urls = NODES.map((nodeId) => cluster.url(nodeId));
    const [first, second, third] = urls as [string, string, string];
    const points = Array.from({ length: POINTS }, (_, id) => ({
      id,
      vector: vectorOf(id, DIMENSION),
      payload: { n: id, group: id % 3 },
    }));
    expect((await call(first, 'POST', '/vectors', { points })).status).toBe(200);

    const filter = { must: { key: 'group', match: { value: 1 } } };
    for (const url of urls) {
      expect(await count(url, { filter })).toBe(POINTS / 3);
      const request = { vector: vectorOf(4, DIMENSION), limit: 5, filter };
      const exact = await search(url, { ...request, exact: true });
      expect(exact[0]).toMatchObject({ id: 4, payload: { n: 4, group: 1 } });
      expect(await search(url, request)).toEqual(exact);
    }

    const index = { field: 'group', type: 'integer' };
    expect((await call(third, 'POST', '/indexes', index)).status).toBe(202);
    for (const url of urls) {
      await cluster.until('the index is ready', 30_000, async () => {
        const { body } = await call(url, 'GET', '/indexes');
        const [info] = body['indexes'] as { state?: string; points?: number }[];
        return info?.state === 'ready' && info.points === POINTS;
      });
      const request = { vector: vectorOf(4, DIMENSION), limit: 5, filter };
      expect(await search(url, request)).toEqual(await search(url, { ...request, exact: true }));
    }

    // Through three nodes at the same time, each reading and writing over what it has read.
    const patches = Array.from({ length: 12 }, (_, n) =>
      call(urls[n % 3]!, 'PATCH', '/vectors/7/payload', { set: { [`k${n}`]: n } }),
    );
    expect((await Promise.all(patches)).map(({ status }) => status)).toEqual(Array(12).fill(200));
    const patched = await call(second, 'GET', '/vectors/7');
    expect(Object.keys(patched.body['payload'] as object)).toHaveLength(14);
    const stale = { id: 7, vector: vectorOf(7, DIMENSION), if_version: 1 };
    expect((await call(third, 'POST', '/vectors', stale)).status).toBe(409);

    const remove = (url: string) =>
      callWith(
        { 'idempotency-key': 'k' },
        { url, method: 'POST', path: '/vectors/delete', body: { filter } },
      );
    expect((await remove(first)).body).toEqual({ status: 'ok', deleted: POINTS / 3 });
    const later = { id: 'later', vector: vectorOf(1, DIMENSION), payload: { group: 1 } };
    expect((await call(second, 'POST', '/vectors', later)).status).toBe(200);
    await cluster.stop('node-1', 'SIGKILL');
    await cluster.until('the repetition is answered', 60_000, async () => {
      const reply = await remove(second).catch(() => undefined);
      return reply?.status === 200 && reply.body['deleted'] === POINTS / 3;
    });
    expect((await call(third, 'GET', '/vectors/later')).status).toBe(200);
    await cluster.start('node-1');
    await cluster.whenReady('node-1');
    expect(await count(first)).toBe((2 * POINTS) / 3 + 1);
    await cluster.until('the index is made again after a start', 30_000, async () => {
      const { body } = await call(first, 'GET', '/indexes');
      return JSON.stringify(body['indexes']).includes('ready');
    });
    const left = await search(first, { vector: vectorOf(1, DIMENSION), filter });
    expect(left).toMatchObject([{ id: 'later' }]);
  });
});
