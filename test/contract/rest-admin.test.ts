import type { NodeHealth } from '../../server/src/service/index.ts';
import { errorOf, type Rest, type RestOptions, startRest } from './support/rest.ts';

let rest: Rest;
const start = async (options: RestOptions = {}): Promise<Rest> => {
  rest = await startRest(options);
  return rest;
};
afterEach(() => rest.close());

test('the reports are served as they are', async () => {
  const { call } = await start();
  expect((await call('GET', '/cluster/info')).json).toEqual({ cluster_id: 'memory' });
  expect((await call('GET', '/cluster/nodes')).json).toEqual({ nodes: [] });
  expect((await call('GET', '/cluster/shards')).json).toEqual({ shards: [] });
  const unknown = await call('GET', '/cluster/info?verbose=1');
  expect([unknown.status, errorOf(unknown).code]).toEqual([400, 'UNKNOWN_KEY']);
});

test.each(['/cluster/snapshots/%ff', '/cluster/nodes/%/drain', '/cluster/%ff'])(
  '%s is no 500',
  async (path) => {
    const { call } = await start();
    expect([400, 404]).toContain((await call('GET', path)).status);
  },
);

test('until the cluster is formed, reports and points are 503 and say why', async () => {
  const { call, cluster } = await start();
  cluster.isFormed = false;
  for (const [method, path] of [
    ['GET', '/cluster/info'],
    ['GET', '/vectors/1'],
    ['POST', '/vectors/count'],
  ] as const) {
    const answer = await call(method, path);
    expect([answer.status, errorOf(answer).code, errorOf(answer).retryable]).toEqual([
      503,
      'NOT_A_MEMBER',
      true,
    ]);
  }
});

test.each([
  ['POST', '/cluster/join'],
  ['POST', '/cluster/leave'],
  ['GET', '/cluster/migration/status'],
  ['PATCH', '/cluster/settings'],
  ['GET', '/cluster/events'],
  ['POST', '/cluster/rebalance'],
  ['DELETE', '/cluster/rebalance'],
  ['GET', '/cluster/rebalance/status'],
  ['POST', '/cluster/nodes/node-1/drain'],
  ['POST', '/cluster/nodes/node-1/undrain'],
  ['POST', '/cluster/nodes/node-1/transfer-leadership'],
  ['POST', '/cluster/snapshot'],
  ['GET', '/cluster/snapshots'],
  ['GET', '/cluster/snapshots/1'],
  ['DELETE', '/cluster/snapshots/1'],
  ['GET', '/cluster/backup/latest'],
  ['GET', '/cluster/backup/verify'],
  ['POST', '/cluster/restore'],
  ['GET', '/cluster/restore/status'],
  ['GET', '/cluster/consistency/check'],
  ['POST', '/cluster/consistency/repair'],
])('%s %s belongs to a later version and says so', async (method, path) => {
  const { call } = await start();
  const answer = await call(method, path, method === 'GET' ? undefined : {});
  expect([answer.status, errorOf(answer).code]).toEqual([400, 'UNSUPPORTED']);
});

test('under admin_auth = "token" every administrative call needs a token, known path or not', async () => {
  const { call } = await start({ adminAuth: 'token' });
  for (const path of ['/cluster/info', '/cluster/join', '/cluster/unknown']) {
    const none = await call('GET', path);
    expect([none.status, errorOf(none).code]).toEqual([401, 'UNAUTHENTICATED']);
    expect((await call('GET', path, undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
  }
  for (const token of ['secret', 'older']) {
    const headers = { authorization: `Bearer ${token}` };
    expect((await call('GET', '/cluster/info', undefined, headers)).status).toBe(200);
  }
  expect((await call('GET', '/health')).status).toBe(200);
  expect((await call('POST', '/vectors/count', {})).status).toBe(200);
});

test.each([
  ['degraded', 200, 200],
  ['unavailable', 503, 503],
] as const)('a node that is %s: /health %i, /readyz %i, with the reason', async (status, health, ready) => {
  const state: NodeHealth = { status, reason: 'shards 1-3', role: 'follower', leaderId: undefined };
  const { call } = await start({ health: state });
  const answer = await call('GET', '/health');
  expect(answer.status).toBe(health);
  expect(answer.json).toMatchObject({ status, reason: 'shards 1-3', leader_id: null });
  expect((await call('GET', '/readyz')).status).toBe(ready);
  expect((await call('GET', '/livez')).status).toBe(200);
});
