import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { credentials, makeClientConstructor } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

import { createRaftMetricsServer, GrpcServer, MetricsServer } from '../../server/src/api/index.ts';
import { systemClock } from '../../server/src/base/index.ts';
import { Metrics, silentLogger } from '../../server/src/observability/index.ts';

const clock = systemClock;
const logger = silentLogger;
const metrics = new Metrics({ clock, logger, memoryLimitBytes: 77 });
const settings = { host: '127.0.0.1', port: 0 };

interface HealthClient {
  check(request: object, done: (error: Error | null, answer?: { status: string }) => void): void;
  watch(request: object): AsyncIterable<{ status: string }> & { cancel(): void };
  close(): void;
}

function healthClient(port: number): HealthClient {
  const Client = makeClientConstructor(service, 'grpc.health.v1.Health');
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure()) as unknown as HealthClient;
}

test('grpc.health.v1 follows the readiness of the node, until the server stops', async () => {
  let isReady = false;
  const grpc = await GrpcServer.start({ isReady: () => isReady, logger, clock, settings });
  const client = healthClient(grpc.port);
  const seen: string[] = [];
  const watch = client.watch({ service: '' });
  for await (const { status } of watch) {
    seen.push(status);
    if (status === 'NOT_SERVING' && seen.length === 1) isReady = true;
    if (status === 'SERVING') break;
  }
  watch.cancel();
  expect(seen).toEqual(['NOT_SERVING', 'SERVING']);
  const checked = await new Promise((resolve) => {
    client.check({ service: '' }, (_error, answer) => resolve(answer?.status));
  });
  expect(checked).toBe('SERVING');
  client.close();
  await grpc.close(100);
});

test('/metrics is served on the port of its own', async () => {
  const server = await MetricsServer.start({ metrics, logger, clock, settings });
  const page = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  expect(page.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await page.text()).toContain('grape_memory_limit_bytes 77');
  expect((await fetch(`http://127.0.0.1:${server.port}/other`)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' })).status).toBe(405);
  await server.close(100);
});

test('/raft/metrics is served on connections that another port hands over', async () => {
  const pages = createRaftMetricsServer({ metrics, logger });
  const door = createServer((socket) => pages.emit('connection', socket));
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const { port } = door.address() as AddressInfo;
  const page = await fetch(`http://127.0.0.1:${port}/raft/metrics`);
  expect([page.status, (await page.text()).includes('grape_raft_')]).toEqual([200, true]);
  expect(page.headers.get('connection')).toBe('close');
  await new Promise((resolve) => door.close(resolve));
});
