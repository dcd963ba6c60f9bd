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

test('a member is let in again by its id', async () => {
  const asked: string[] = [];
  const { call } = await start({
    join: (nodeId) => {
      asked.push(nodeId);
      return Promise.resolve('joining');
    },
  });
  const answer = await call('POST', '/cluster/join', { node_id: 'node-2' });
  expect([answer.status, answer.json]).toEqual([202, { node_id: 'node-2', state: 'joining' }]);
  expect(asked).toEqual(['node-2']);
});

test.each([
  ['no body', undefined, 400, 'INVALID_JSON'],
  ['a list', [], 400, 'INVALID_REQUEST'],
  ['no node', {}, 400, 'INVALID_REQUEST'],
  ['a number', { node_id: 2 }, 400, 'INVALID_REQUEST'],
  ['an unknown key', { node_id: 'node-2', nodes: 1 }, 400, 'UNKNOWN_KEY'],
  ['the address of a node to be added', { node_id: 'node-4', address: 'h:1' }, 400, 'UNSUPPORTED'],
  ['a body that is too large', { node_id: 'x'.repeat(100_000) }, 413, 'PAYLOAD_TOO_LARGE'],
])('POST /cluster/join with %s is refused and asks nobody', async (_, body, status, code) => {
  const { call } = await start({ join: () => Promise.reject(new Error('asked')) });
  const answer = await call('POST', '/cluster/join', body);
  expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
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
