import { join } from 'node:path';

import { configOf, fakeMachine, FOUNDER, load, problemsOf } from './config.fixture.ts';
import { loadConfig } from './load.ts';

const guide = (name: string, env: Record<string, string> = {}) =>
  loadConfig({ file: join(__dirname, 'fixtures', name), env, machine: fakeMachine });

describe('the files of the guide', () => {
  it.each([1, 2, 3])('node %i loads as it is written', (n) => {
    const env = {
      GRAPE_NODE_ID: `node-${String(n)}`,
      GRAPE_CLUSTER_ENABLED: 'true',
      GRAPE_RAFT_ADDRESS: `grape-node-${String(n)}:7000`,
    };
    const { config, notYetInEffect, warnings } = guide(`node${String(n)}.toml`, env);
    expect(config.cluster).toMatchObject({
      enabled: true,
      nodeId: `node-${String(n)}`,
      nodeAddress: `grape-node-${String(n)}:6334`,
      restAddress: `grape-node-${String(n)}:6333`,
      raftAddress: `grape-node-${String(n)}:7000`,
      clusterToken: 'grape-cluster-secret-token',
      joinCluster: n > 1,
    });
    expect(config.cluster[n === 1 ? 'initialPeers' : 'seedNodes'][0]).toEqual({
      ...{ nodeId: 'node-1', host: 'grape-node-1', port: 7000 },
    });
    expect(config.vector).toEqual({ dimension: 768, distanceMetric: 'cosine', binaryQuantization: true });
    expect(config.index).toEqual({ m: 32, efConstruction: 400, efSearch: 200 });
    expect(notYetInEffect).toEqual(['sharding.rebalance_threshold', 'sharding.migration_batch_size']);
    expect(warnings).toEqual([expect.stringContaining('admin_auth')]);
  });

  it('node 4 needs only the token beside its file', () => {
    expect(() => guide('node4.toml')).toThrow(/cluster_token is missing/);
    const { config } = guide('node4.toml', { GRAPE_CLUSTER_CLUSTER_TOKEN: 'grape-cluster-secret-token' });
    expect(config.cluster).toMatchObject({ enabled: true, joinCluster: true, nodeId: 'node-4' });
  });
});

describe('precedence', () => {
  const levels = (o: { env?: string; flag?: string }) =>
    configOf('[server]\nlog_level = "warn"\n', {
      env: o.env === undefined ? {} : { GRAPE_SERVER_LOG_LEVEL: o.env },
      flags: o.flag === undefined ? {} : { 'server.log_level': o.flag },
    }).server.logLevel;

  it('is flags, environment, file, defaults', () => {
    expect(configOf('').server.logLevel).toBe('info');
    expect(levels({})).toBe('warn');
    expect(levels({ env: 'error' })).toBe('error');
    expect(levels({ env: 'error', flag: 'debug' })).toBe('debug');
  });

  it('ignores empty variables', () => {
    expect(levels({ env: '' })).toBe('warn');
  });
});

describe('what a cluster implies', () => {
  const member = (lines: string) =>
    `[cluster]\nnode_id = "n"\nnode_address = "h:6334"\ncluster_token = "a-token-long-enough"\n${lines}\n`;

  it.each([
    ['initial_peers', 'initial_peers = ["other@h2:7000"]'],
    ['join_cluster', 'join_cluster = true\nseed_nodes = ["other@h2:7000"]'],
  ])('%s turns the cluster on', (_name, lines) => {
    expect(configOf(member(lines)).cluster.enabled).toBe(true);
  });

  it('a node that is not among initial_peers needs no dimension: it uses them as seeds', () => {
    expect(problemsOf(member('initial_peers = ["other@h2:7000"]'))).toEqual([]);
    expect(problemsOf(member('initial_peers = ["n@h:7000"]'))).toEqual([
      expect.stringContaining('[vector] dimension is missing'),
    ]);
  });

  it('advertised addresses come from node_address', () => {
    const { cluster } = configOf(
      FOUNDER.replace('[vector]', 'raft_port = 7010\n[server]\nrest_port = 80\n[vector]'),
    );
    expect([cluster.nodeAddress, cluster.restAddress, cluster.raftAddress]).toEqual([
      'host-1:6334',
      'host-1:80',
      'host-1:7010',
    ]);
  });

  it('a single node is reached at the address that it binds to, when that is one', () => {
    expect(configOf('[server]\nhost = "10.1.2.3"\n').cluster.nodeAddress).toBe('10.1.2.3:6334');
    expect(configOf('[server]\nhost = "::1"\n').cluster.raftAddress).toBe('[::1]:7000');
  });
});

describe('impossible combinations', () => {
  const founderWith = (lines: string) => `${FOUNDER}${lines}\n`;

  it.each([
    [
      'two equal ports',
      '[server]\nrest_port = 7000',
      '[server] rest_port and [cluster] raft_port are both 7000',
    ],
    [
      'the metrics port in use',
      '[server]\ngrpc_port = 9090',
      '[server] grpc_port and [monitoring] prometheus_port are both',
    ],
    [
      'a heartbeat as long as the election timeout',
      '[raft]\nheartbeat_interval_ms = 1000',
      'heartbeat_interval_ms = 1000 with election_timeout_ms = 1000',
    ],
    [
      'a hard limit of the disk at the soft one',
      '[storage]\ndisk_soft_limit_mb = 100\ndisk_hard_limit_mb = 100',
      'disk_hard_limit_mb = 100 with disk_soft_limit_mb = 100',
    ],
    [
      'seeds without a cluster',
      '[cluster]\nseed_nodes = ["a@b:1"]',
      'seed_nodes is set but enabled is not set',
    ],
    [
      'peers of a disabled cluster',
      '[cluster]\nenabled = false\ninitial_peers = ["a@b:1"]',
      'initial_peers is set but enabled = false',
    ],
    [
      'joining a disabled cluster',
      '[cluster]\nenabled = false\njoin_cluster = true',
      'join_cluster is set but enabled = false',
    ],
    [
      'admin_auth without a token',
      '[server]\nadmin_auth = "token"',
      'admin_auth = "token" without [cluster] cluster_token',
    ],
  ])('%s: refused', (_what, toml, problem) => {
    expect(problemsOf(`${toml}\n`)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ['one node id at two addresses', '"node-2@host-3:7000"', 'node id "node-2" more than once'],
    ['two node ids at one address', '"node-3@host-2:7000"', 'address "host-2:7000" more than once'],
  ])('%s: refused', (_what, peer, problem) => {
    const toml = FOUNDER.replace('"node-2@host-2:7000"', `"node-2@host-2:7000", ${peer}`);
    expect(problemsOf(toml)).toEqual([expect.stringContaining(problem)]);
  });

  it('a cluster without anything that it needs: every missing key is named', () => {
    expect(problemsOf('[cluster]\nenabled = true\n')).toEqual([
      expect.stringContaining('[cluster] node_id is missing'),
      expect.stringContaining('[cluster] node_address is missing'),
      expect.stringContaining('[cluster] cluster_token is missing'),
      expect.stringContaining('[cluster] enabled = true without initial_peers and seed_nodes'),
    ]);
    expect(problemsOf('[cluster]\njoin_cluster = true\n').at(-1)).toContain(
      'list nodes of the cluster in seed_nodes',
    );
  });

  it('the metrics port counts only when it is served', () => {
    const toml = '[monitoring]\nprometheus_enabled = false\nprometheus_port = 6333\n';
    expect(problemsOf(toml)).toEqual([]);
    expect(problemsOf(founderWith('[raft]\nheartbeat_interval_ms = 500'))).toEqual([]);
  });
});

describe('a configuration with problems', () => {
  it('names all of them at once', () => {
    const toml = `
colour = "red"
[server]
rest_port = "6333"
grpc_port = 70000
log_levle = "info"
dimension = 3
[vektor]
dimension = 3
[raft]
election_timeout_ms = 1000
heartbeat_interval_ms = 900
`;
    const problems = problemsOf(toml, { env: { GRAPE_VECTOR_DISTANCE_METRIC: 'manhattan' } });
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringContaining('no section or top-level key "colour"'),
        expect.stringContaining('[server] rest_port = "6333"'),
        expect.stringContaining('[server] grpc_port = 70000'),
        expect.stringContaining('[server] log_levle is not a known key'),
        expect.stringContaining('[server] dimension: move it to [vector]'),
        expect.stringContaining('no section or top-level key "vektor"'),
        expect.stringContaining(
          'distance_metric = "manhattan" (GRAPE_VECTOR_DISTANCE_METRIC): it must be one of "cosine"',
        ),
        expect.stringContaining('heartbeat_interval_ms = 900'),
      ]),
    );
    expect(problems).toHaveLength(8);
  });

  it.each([
    ['a number', 'server = 5', '[server] must be a table'],
    ['a list', '[[server]]\nhost = "h"', '[server] must be a table'],
    ['a date', 'server = 2020-01-01', '[server] must be a table'],
  ])('that has %s in place of a section is refused', (_what, toml, problem) => {
    expect(problemsOf(`${toml}\n`, { env: { GRAPE_SERVER_HOST: 'h' } })).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it.each([
    ['[cluster]\ncluster_token = "top secret"\n', {}],
    ['', { GRAPE_CLUSTER_CLUSTER_TOKEN: 'top secret' }],
    ['[cluster]\ncluster_token = "top secret\n', {}],
  ])('never shows a secret: %p %p', (toml, env) => {
    const problems = problemsOf(toml, { env });
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain('top secret');
  });

  it('names place and reason of a file that is not TOML', () => {
    expect(problemsOf('[server]\nrest_port = = 5\n')).toEqual([
      expect.stringMatching(/config\.toml, line 2, column \d+: /),
    ]);
  });

  it('names a file that cannot be read', () => {
    expect(() => loadConfig({ file: '/nowhere/config.toml', env: {} })).toThrow(
      /\/nowhere\/config\.toml cannot be read/,
    );
  });

  it('names a flag for which there is no key', () => {
    expect(problemsOf('', { flags: { 'server.colour': 'red' } })).toEqual(['there is no key server.colour']);
  });
});

describe('an accepted configuration', () => {
  it('is frozen through and through', () => {
    const config = configOf(FOUNDER);
    expect(() => Object.assign(config.server, { host: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(config.cluster.initialPeers[0]!, { host: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(config, { server: {} })).toThrow(TypeError);
  });

  it('warns about variables that nobody reads, by name only', () => {
    const { warnings } = load('', { env: { GRAPE_PORT: 'tcp://10.0.0.1:6333', HOME: '/root' } });
    expect(warnings.filter((warning) => warning.includes('GRAPE_PORT'))).toHaveLength(1);
    expect(warnings.join()).not.toMatch(/tcp|HOME/);
  });

  it.each([
    ['open administration', '', 'admin_auth = "open"'],
    ['a short token', '[cluster]\ncluster_token = "short"\n', 'fewer than 16 characters'],
    [
      'a cache as large as the memory',
      '[storage]\ncache_size_mb = 8192\n',
      'cache_size_mb = 8192 leaves nothing',
    ],
    [
      'another Raft address than its peers are told',
      FOUNDER.replace('[vector]', 'raft_address = "other:7000"\n[vector]'),
      'raft_address = "other:7000" differs',
    ],
  ])('warns about %s', (_what, toml, warning) => {
    expect(load(toml).warnings).toEqual(expect.arrayContaining([expect.stringContaining(warning)]));
  });
});
