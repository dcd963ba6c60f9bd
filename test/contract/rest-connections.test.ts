import { request } from 'node:http';
import { connect } from 'node:net';

import { MetricsServer } from '../../server/src/api/index.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import { Admission } from '../../server/src/service/index.ts';
import { errorOf, type Rest, type RestOptions, startRest } from './support/rest.ts';

let rest: Rest;
const start = async (options: RestOptions = {}): Promise<Rest> => {
  rest = await startRest(options);
  return rest;
};
afterEach(() => rest.close());

const point = { id: 1, vector: [1, 2, 3] };

/** Resolves when `condition` holds; fails after ten seconds. */
async function eventually(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition();) {
    if (Date.now() > end) throw new Error('the condition did not come true within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a write that waits for a leader is refused with 503 when its own timeout is over', async () => {
  const { call, cluster } = await start();
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
  const begun = Date.now();
  const answer = await call('POST', '/vectors?timeout_ms=100', point);
  expect([answer.status, errorOf(answer).code, errorOf(answer).retryable]).toEqual([
    503,
    'SHARD_UNAVAILABLE',
    true,
  ]);
  expect(Date.now() - begun).toBeLessThan(1500);
});

test('a proposed write without an outcome is 504, and no read ever is', async () => {
  const { call, node, cluster } = await start({ nodes: 3, requestTimeoutMs: 200 });
  await call('POST', '/vectors', point);
  for (const name of ['node-2', 'node-3']) cluster.node(name).down();
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, node.nodeId);
  const write = await call('POST', '/vectors', point);
  expect([write.status, errorOf(write).code]).toEqual([504, 'WRITE_TIMEOUT']);
  const read = await call('GET', '/vectors/1');
  expect([read.status, errorOf(read).code]).toEqual([503, 'SHARD_UNAVAILABLE']);
  const eventual = await call('GET', '/vectors/1?consistency=eventual');
  expect(eventual.status).toBe(200);
  expect(Number(eventual.headers.get('x-grape-staleness-ms'))).toBeGreaterThanOrEqual(0);
});

test('a batch that only some shards confirm is 504 and says which', async () => {
  const { call, cluster, node } = await start({ nodes: 5, replicas: 3, shards: 5 });
  // Node 1 leads shard 0 itself and loses the answers of the leaders of the others.
  node.peers.losesAnswers = true;
  const points = Array.from({ length: 40 }, (_, id) => ({ id, vector: [1, 2, 3] }));
  const answer = await call('POST', '/vectors', { points });
  expect([answer.status, errorOf(answer).code]).toEqual([504, 'WRITE_TIMEOUT']);
  const { shards } = errorOf(answer).details as { shards: { shard: number; outcome: string }[] };
  expect(shards.map(({ shard, outcome }) => `${shard} ${outcome}`)).toEqual(
    cluster.placements.map(({ shard }) => (shard === 0 ? '0 committed' : `${shard} unknown`)),
  );
});

test('requests over the maximum get 429 with Retry-After, and room is given back', async () => {
  const admission = new Admission({ requestsMax: 1, bodyBytesMax: 1000 });
  const { call, cluster } = await start({ admission });
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
  const waiting = call('POST', '/vectors?timeout_ms=300', point);
  await eventually(() => admission.requests === 1);
  const refused = await call('POST', '/vectors/count', {});
  expect([refused.status, errorOf(refused).code, refused.headers.get('retry-after')]).toEqual([
    429,
    'TOO_MANY_REQUESTS',
    '1',
  ]);
  expect((await waiting).status).toBe(503);
  expect((await call('POST', '/vectors/scroll', { consistency: 'eventual' })).status).toBe(200);
  const large = await call('POST', '/vectors', { ...point, payload: { x: 'x'.repeat(2000) } });
  expect([large.status, errorOf(large).code]).toEqual([429, 'TOO_MANY_REQUESTS']);
  expect([admission.requests, admission.bodyBytes]).toEqual([0, 0]);
});

test('a slow upload takes nobody’s place, and its waiting time begins when it is complete', async () => {
  const admission = new Admission({ requestsMax: 1, bodyBytesMax: 1000 });
  const { port, call } = await start({ admission });
  const socket = connect(port, '127.0.0.1');
  const body = JSON.stringify(point);
  const head = `POST /vectors?timeout_ms=100 HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.write(head + body.slice(0, 5));
  await eventually(() => admission.bodyBytes > 0);
  const begun = Date.now();
  await eventually(() => Date.now() - begun > 150);
  expect((await call('POST', '/vectors/count', {})).status).toBe(200);
  const answer = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())));
  socket.write(body.slice(5));
  expect(await answer).toMatch(/^HTTP\/1.1 200 /);
  socket.destroy();
});

test.each([
  ['its head', 'POST /vectors HTTP/1.1\r\nhost: x\r\nx-slow: '],
  ['its body', 'POST /vectors HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"id":1,"vec'],
])('a client that never ends %s is cut off, with a reason, and holds nothing', async (_, bytes) => {
  const admission = new Admission({ requestsMax: 10, bodyBytesMax: 1000 });
  const { raw, call } = await start({
    admission,
    timeouts: { headersMs: 200, requestMs: 400, checkMs: 50 },
  });
  const answer = await raw(bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toMatch(/"code":"INVALID_REQUEST","message":"[^"]*Request timeout/);
  await eventually(() => admission.requests === 0 && admission.bodyBytes === 0);
  expect((await call('POST', '/vectors/count', {})).json).toEqual({ count: 0 });
});

test('a client that goes away in the middle of its body leaves nothing behind', async () => {
  const admission = new Admission({ requestsMax: 10, bodyBytesMax: 1000 });
  const { port, call } = await start({ admission });
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /vectors HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"id":1,"vec');
  await eventually(() => admission.bodyBytes > 0);
  socket.destroy();
  await eventually(() => admission.requests === 0 && admission.bodyBytes === 0);
  expect((await call('POST', '/vectors/count', {})).json).toEqual({ count: 0 });
});

test('garbage behind a request on one connection never denies what that request did', async () => {
  const admission = new Admission({ requestsMax: 10, bodyBytesMax: 1000 });
  const { port, cluster, call } = await start({ admission });
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
  const body = JSON.stringify(point);
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  socket.write(`POST /vectors HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  await eventually(() => admission.requests === 1 && admission.bodyBytes === body.length);
  socket.write('garbage\r\n\r\n');
  await closed;
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, 'node-1');
  // The write was complete and goes on; the client must not have been told otherwise.
  expect(received).toBe('');
  await eventually(() => admission.requests === 0);
  expect((await call('GET', '/vectors/1')).status).toBe(200);
});

test('a server that stops answers what is in flight and takes nothing new', async () => {
  const admission = new Admission({ requestsMax: 10, bodyBytesMax: 1000 });
  const { port, cluster, server, admin } = await start({ admission });
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
  const inFlight = new Promise<{ status: number | undefined; connection: string | undefined }>(
    (resolve, reject) => {
      const call = request({ port, host: '127.0.0.1', method: 'POST', path: '/vectors' }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, connection: response.headers.connection });
      });
      call.on('error', reject);
      call.end(JSON.stringify(point));
    },
  );
  await eventually(() => admission.requests === 1);
  admin.beginStopping();
  expect((await rest.call('GET', '/readyz')).status).toBe(503);
  const closing = server.close(5000);
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, 'node-1');
  expect(await inFlight).toEqual({ status: 200, connection: 'close' });
  await closing;
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
});

test('a request that outlasts the grace is cut off', async () => {
  const admission = new Admission({ requestsMax: 10, bodyBytesMax: 1000 });
  const { call, cluster, server } = await start({ admission });
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, undefined);
  const waiting = call('POST', '/vectors?timeout_ms=20000', point).then(
    () => 'answered',
    () => 'cut off',
  );
  await eventually(() => admission.requests === 1);
  await server.close(50);
  expect(await waiting).toBe('cut off');
  for (const shard of [0, 1, 2, 3]) cluster.setLeader(shard, 'node-1');
});

test('a port that is taken refuses the start', async () => {
  const { port, metrics, cluster } = await start();
  const second = MetricsServer.start({
    metrics,
    logger: silentLogger,
    clock: cluster.clock,
    settings: { host: '127.0.0.1', port },
  });
  await expect(second).rejects.toThrow('EADDRINUSE');
});
