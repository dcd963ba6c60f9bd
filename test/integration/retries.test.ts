import { withCluster } from '../support/cluster.ts';
import { call, callWith, count, errorCode, type Reply } from '../support/client.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 8;
const NODES = ['node-1', 'node-2', 'node-3'];

jest.setTimeout(180_000);

const key = (value: string): Record<string, string> => ({ 'idempotency-key': value });
const many = (from: number, to: number): object => ({
  points: Array.from({ length: to - from }, (_, i) => ({
    id: from + i,
    vector: vectorOf(from + i, DIMENSION),
  })),
});

test('a write repeated under its key is done once: on any node, after the leader died, after a restart of all', async () => {
  await withCluster({ nodeCount: 3, dimension: DIMENSION }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const urls = NODES.map((nodeId) => cluster.url(nodeId));
    const write = (url: string, name: string, body: object): Promise<Reply> =>
      callWith(key(name), { url, method: 'POST', path: '/vectors', body });
    /** Repeats it as a client does: what was refused or left open is sent again. */
    const insist = async (url: string, name: string, body: object): Promise<Reply> => {
      for (;;) {
        const reply = await write(url, name, body).catch(() => undefined);
        if (reply !== undefined && reply.status < 500) return reply;
      }
    };

    const first = await write(urls[0]!, 'load', many(0, 700));
    expect(first).toMatchObject({ status: 200, body: { upserted: 700 } });
    const together = await Promise.all(
      urls.map((url) => write(url, 'same', { id: 'x', vector: vectorOf(1, DIMENSION) })),
    );
    expect(new Set(together.map(({ body }) => JSON.stringify(body))).size).toBe(1);

    // Repeating the load must not bring back what was deleted since.
    const clean = (url: string): Promise<Reply> =>
      callWith(key('clean'), {
        url,
        method: 'POST',
        path: '/vectors/delete',
        body: { ids: [1, 2, 3, 4_000] },
      });
    const gone = await clean(urls[1]!);
    expect(gone).toMatchObject({ status: 200, body: { deleted: 3 } });
    for (const url of urls) expect((await write(url, 'load', many(0, 700))).body).toEqual(first.body);
    expect((await clean(urls[2]!)).body).toEqual(gone.body);
    expect(await Promise.all(urls.map((url) => count(url)))).toEqual([698, 698, 698]);

    const other = await write(urls[0]!, 'same', { id: 'x', vector: vectorOf(2, DIMENSION) });
    expect([other.status, errorCode(other)]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    // Of other points too, most of whose shards have never seen the name.
    for (const url of urls) {
      const reused = await write(url, 'same', many(10_000, 10_100));
      expect([reused.status, errorCode(reused)]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    }
    expect(await count(urls[0]!)).toBe(698);

    const shards = (await call(urls[0]!, 'GET', '/cluster/shards')).body['shards'] as { leader: string }[];
    const victim = shards[0]?.leader ?? 'node-1';
    await cluster.stop(victim, 'SIGKILL');
    const left = cluster.url(NODES.find((nodeId) => nodeId !== victim)!);
    expect((await insist(left, 'load', many(0, 700))).body).toEqual(first.body);

    await cluster.stopAll('SIGKILL');
    await cluster.startAll();
    await cluster.allReady();
    for (const url of urls) expect((await insist(url, 'load', many(0, 700))).body).toEqual(first.body);
    expect(await count(urls[0]!)).toBe(698);
  });
});

test('a client that numbers its writes is remembered by its last one', async () => {
  await withCluster({ nodeCount: 1, dimension: DIMENSION }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const url = cluster.url('node-1');
    const write = (sequence: number, seed: number): Promise<Reply> => {
      const headers = { 'x-grape-client-id': 'importer', 'x-grape-sequence': String(sequence) };
      const body = { id: 'p', vector: vectorOf(seed, DIMENSION) };
      return callWith(headers, { url, method: 'POST', path: '/vectors', body });
    };
    const first = await write(1, 1);
    expect((await write(1, 1)).body).toEqual(first.body);
    expect((await write(2, 2)).body).not.toEqual(first.body);
    const stale = await write(1, 1);
    expect([stale.status, errorCode(stale)]).toEqual([409, 'SEQUENCE_TOO_OLD']);
    const metrics = String((await call(url, 'GET', '/metrics')).body['text']);
    expect(metrics).toMatch(/^grape_retry_repeated_total [1-9]/m);
    expect(metrics).toMatch(/^grape_retry_misnamed_total [1-9]/m);
    expect(metrics).toMatch(/^grape_retry_rows [1-9]/m);
  });
});
