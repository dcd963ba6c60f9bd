import { fakeMachine, load, problemsOf } from './config.fixture.ts';
import { ConfigHandle } from './handle.ts';
import { CONFIG_KEYS } from './schema.ts';
import type { Config } from './types.ts';

interface Sample {
  /** How the file writes a value that is not the default. */
  readonly toml: string;
  /** How a variable writes it. */
  readonly text: string;
  readonly read: (config: Config) => unknown;
  readonly value: unknown;
  /** The value without any setting, on a single node. */
  readonly absent: unknown;
  /** Other keys that the value needs. */
  readonly needs?: Readonly<Record<string, string>>;
}

const sample = (value: string | number | boolean, absent: unknown, read: Sample['read']): Sample => ({
  toml: JSON.stringify(value),
  text: String(value),
  ...{ read, value, absent },
});

const TOKEN = 'another-long-token';
const JOINER = {
  'cluster.enabled': 'true',
  'cluster.node_id': 'node-9',
  'cluster.node_address': 'host-9:6334',
  'cluster.cluster_token': TOKEN,
  'cluster.seed_nodes': 'node-1@host-1:7000',
};
const PEER = { nodeId: 'node-7', host: 'host-7', port: 7000 };
const peerList = (read: Sample['read'], absent: unknown): Sample => ({
  toml: '["node-7@host-7:7000"]',
  text: ' node-7@host-7:7000, ',
  ...{ read, absent, value: [PEER], needs: JOINER },
});

const SAMPLES: Readonly<Record<string, Sample>> = {
  'server.host': sample('127.0.0.2', '0.0.0.0', (c) => c.server.host),
  'server.grpc_port': sample(7334, 6334, (c) => c.server.grpcPort),
  'server.rest_port': sample(7333, 6333, (c) => c.server.restPort),
  'server.data_dir': {
    ...sample('elsewhere', '/work-dir/data', (c) => c.server.dataDir),
    value: '/work-dir/elsewhere',
  },
  'server.log_level': sample('warn', 'info', (c) => c.server.logLevel),
  'server.worker_threads': sample(8, 4, (c) => c.server.workerThreads),
  'server.max_body_mb': sample(3, 32, (c) => c.server.maxBodyMb),
  'server.request_timeout_ms': sample(1500, 5000, (c) => c.server.requestTimeoutMs),
  'server.memory_limit_mb': sample(512, 8192, (c) => c.server.memoryLimitMb),
  'server.admin_auth': {
    ...sample('token', 'open', (c) => c.server.adminAuth),
    needs: { 'cluster.cluster_token': TOKEN },
  },
  'cluster.enabled': { ...sample(true, false, (c) => c.cluster.enabled), needs: JOINER },
  'cluster.node_id': sample('node-5', 'node-1', (c) => c.cluster.nodeId),
  'cluster.node_address': sample('me:6334', '127.0.0.1:6334', (c) => c.cluster.nodeAddress),
  'cluster.rest_address': sample('me:80', '127.0.0.1:6333', (c) => c.cluster.restAddress),
  'cluster.raft_address': sample('me:7001', '127.0.0.1:7000', (c) => c.cluster.raftAddress),
  'cluster.raft_port': sample(7005, 7000, (c) => c.cluster.raftPort),
  'cluster.cluster_token': sample(TOKEN, undefined, (c) => c.cluster.clusterToken),
  'cluster.cluster_token_previous': sample(TOKEN, undefined, (c) => c.cluster.clusterTokenPrevious),
  'cluster.initial_peers': peerList(
    (c) => c.cluster.initialPeers,
    [{ nodeId: 'node-1', host: '127.0.0.1', port: 7000 }],
  ),
  'cluster.join_cluster': { ...sample(true, false, (c) => c.cluster.joinCluster), needs: JOINER },
  'cluster.seed_nodes': peerList((c) => c.cluster.seedNodes, []),
  'cluster.zone': sample('zone-b', undefined, (c) => c.cluster.zone),
  'cluster.cluster_id': sample('cluster-7', undefined, (c) => c.cluster.clusterId),
  'cluster.auto_rejoin': sample(false, true, (c) => c.cluster.autoRejoin),
  'cluster.bootstrap': sample('restore', 'new', (c) => c.cluster.bootstrap),
  'raft.election_timeout_ms': sample(2000, 1000, (c) => c.raft.electionTimeoutMs),
  'raft.heartbeat_interval_ms': sample(100, 250, (c) => c.raft.heartbeatIntervalMs),
  'raft.log_compaction_threshold': sample(500, 10_000, (c) => c.raft.logCompactionThreshold),
  'raft.snapshot_interval': sample(50, 1000, (c) => c.raft.snapshotInterval),
  'raft.max_append_entries': sample(10, 100, (c) => c.raft.maxAppendEntries),
  'raft.lease_reads': sample(true, false, (c) => c.raft.leaseReads),
  'sharding.shard_count': sample(4, 16, (c) => c.sharding.shardCount),
  'sharding.replica_count': sample(5, 3, (c) => c.sharding.replicaCount),
  'sharding.rebalance_threshold': sample(0.25, 0.1, (c) => c.sharding.rebalanceThreshold),
  'sharding.migration_batch_size': sample(10, 1000, (c) => c.sharding.migrationBatchSize),
  'sharding.migration_rate_mb_per_sec': sample(2.5, 64, (c) => c.sharding.migrationRateMbPerSec),
  'vector.dimension': sample(768, undefined, (c) => c.vector.dimension),
  'vector.distance_metric': sample('dot', 'cosine', (c) => c.vector.distanceMetric),
  'vector.binary_quantization': sample(true, false, (c) => c.vector.binaryQuantization),
  'storage.compression_enabled': sample(false, true, (c) => c.storage.compressionEnabled),
  'storage.cache_size_mb': sample(12, 256, (c) => c.storage.cacheSizeMb),
  'storage.write_buffer_size_mb': sample(13, 64, (c) => c.storage.writeBufferSizeMb),
  'storage.disk_soft_limit_mb': sample(14, undefined, (c) => c.storage.diskSoftLimitMb),
  'storage.disk_hard_limit_mb': sample(15, undefined, (c) => c.storage.diskHardLimitMb),
  'storage.disk_ballast_mb': sample(16, undefined, (c) => c.storage.diskBallastMb),
  'index.m': sample(32, 16, (c) => c.index.m),
  'index.ef_construction': sample(400, 100, (c) => c.index.efConstruction),
  'index.ef_search': sample(200, 100, (c) => c.index.efSearch),
  'monitoring.prometheus_enabled': sample(false, true, (c) => c.monitoring.prometheusEnabled),
  'monitoring.prometheus_port': sample(9091, 9090, (c) => c.monitoring.prometheusPort),
  'monitoring.metrics_interval_secs': sample(2, 10, (c) => c.monitoring.metricsIntervalSecs),
  'backup.schedule': sample('0 3 * * *', undefined, (c) => c.backup.schedule),
  'backup.keep': sample(30, 7, (c) => c.backup.keep),
};

const keys = CONFIG_KEYS.map((key) => ({ ...key, sample: SAMPLES[key.path]! }));

/** The needs of a key, without the key itself, as flags. */
function needsOf(path: string, one: Sample): Record<string, string> {
  return Object.fromEntries(Object.entries(one.needs ?? {}).filter(([needed]) => needed !== path));
}

it('every key has a sample here', () => {
  expect(Object.keys(SAMPLES)).toEqual(CONFIG_KEYS.map((key) => key.path));
});

describe.each(keys)(
  '$path',
  ({ path, section, name, variable, sample: one, secret, reloadable, later, inert }) => {
    const line = `[${section}]\n${name} = ${one.toml}\n`;
    const flags = needsOf(path, one);

    it('has its default when absent', () => {
      expect(one.read(load('').config)).toEqual(one.absent);
      expect(load('').config.explicit.has(path)).toBe(false);
    });

    it('is read from the file', () => {
      const { config } = load(line, { flags });
      expect(one.read(config)).toEqual(one.value);
      expect(config.explicit.has(path)).toBe(true);
    });

    it('is read from its variable', () => {
      const { config, warnings } = load('', { env: { [variable]: one.text }, flags });
      expect(one.read(config)).toEqual(one.value);
      expect(config.explicit.has(path)).toBe(true);
      expect(warnings.join()).not.toContain(variable);
    });

    it('is refused with another type, naming key, place and remedy', () => {
      const [problem = ''] = problemsOf(`[${section}]\n${name} = 2020-01-01\n`, { flags });
      expect(problem).toContain(`[${section}] ${name} = `);
      expect(problem).toMatch(/config\.toml\): it must be \S/);
      expect(problem.includes('2020')).toBe(secret !== true);
    });

    it('is named as not yet in effect exactly when its part comes later', () => {
      expect(load(line, { flags }).notYetInEffect.includes(path)).toBe(later !== undefined);
      if (inert === undefined) return;
      expect(load(`[${section}]\n${name} = ${JSON.stringify(inert)}\n`).notYetInEffect).toEqual([]);
    });

    it('changes while the node runs exactly when it is reloadable', () => {
      const env: Record<string, string> = {};
      const handle = new ConfigHandle({ env, machine: fakeMachine });
      env[variable] = one.text;
      for (const key of CONFIG_KEYS) if (key.path in flags) env[key.variable] = flags[key.path]!;
      const { applied, needRestart } = handle.reload();
      expect([applied.includes(path), needRestart.includes(path)]).toEqual(
        reloadable === true ? [true, false] : [false, true],
      );
      expect(one.read(handle.current)).toEqual(reloadable === true ? one.value : one.absent);
    });
  },
);
