import { GrapeError } from '../base/index.ts';
import { AdminService, type NodeHealth } from './admin-service.ts';
import { MemoryCluster } from './testing/memory-cluster.ts';

const healthy: NodeHealth = { status: 'healthy', reason: undefined, role: 'leader', leaderId: 'node-1' };

function admin(o: { auth?: 'open' | 'token'; tokens?: readonly string[]; health?: NodeHealth } = {}): {
  service: AdminService;
  cluster: MemoryCluster;
} {
  const cluster = new MemoryCluster({ dimension: 2 });
  const service = new AdminService({
    directory: cluster.node('node-1'),
    reports: {
      info: () => ({ cluster_id: 'memory' }),
      nodes: () => ({ nodes: [] }),
      shards: () => ({ shards: [] }),
      health: () => o.health ?? healthy,
    },
    leader: () => 'node-1',
    join: () => Promise.resolve('joining'),
    adminAuth: () => o.auth ?? 'open',
    tokens: () => o.tokens ?? ['new', 'old'],
  });
  return { service, cluster };
}

test('an open node asks for no token', () => {
  expect(() => admin().service.authorise(undefined)).not.toThrow();
});

test.each(['Bearer new', 'bearer old', 'Bearer  new'])('%s is accepted', (header) => {
  expect(() => admin({ auth: 'token' }).service.authorise(header)).not.toThrow();
});

test.each([undefined, '', 'new', 'Basic new', 'Bearer', 'Bearer newer', 'Bearer ne', 'Bearer '])(
  '%s is refused',
  (header) => {
    expect(() => admin({ auth: 'token' }).service.authorise(header)).toThrow(GrapeError);
  },
);

test('an empty token in the configuration lets nobody in', () => {
  const { service } = admin({ auth: 'token', tokens: [''] });
  expect(() => service.authorise('Bearer ')).toThrow('Authorization');
});

test('reports are refused until the cluster is formed', async () => {
  const { service, cluster } = admin();
  expect(await service.info()).toEqual({ cluster_id: 'memory' });
  cluster.isFormed = false;
  await expect(service.info()).rejects.toMatchObject({ code: 'NOT_A_MEMBER' });
});

test('a node is ready while it can serve something and is not stopping', () => {
  const unavailable: NodeHealth = { ...healthy, status: 'unavailable', reason: 'no quorum' };
  expect(admin({ health: unavailable }).service.notReady()).toBe('no quorum');
  expect(admin({ health: { ...healthy, status: 'degraded' } }).service.notReady()).toBeUndefined();
  const { service } = admin();
  service.beginStopping();
  expect(service.notReady()).toBe('the node is stopping');
});
