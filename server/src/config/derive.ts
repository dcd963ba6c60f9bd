import { type Address, formatAddress, parseAddress } from './address.ts';
import { isClusterEnabled, peersOf } from './checks.ts';
import { type Machine, memoryLimitMb } from './machine.ts';
import type { Settings } from './schema.ts';
import type { ClusterConfig, Config, ServerConfig } from './types.ts';

const SINGLE_NODE_ID = 'node-1';
const WILDCARD_HOSTS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]', '*']);

/** The configuration of settings that were accepted: derived values filled in, everything frozen. */
export function deriveConfig(o: {
  settings: Settings;
  explicit: ReadonlySet<string>;
  machine: Machine;
}): Config {
  const { settings } = o;
  const { raft, sharding, vector, storage, index, monitoring, backup } = settings;
  return deepFrozen<Config>({
    server: serverOf(settings, o.machine),
    cluster: clusterOf(settings),
    raft: {
      electionTimeoutMs: raft.election_timeout_ms,
      heartbeatIntervalMs: raft.heartbeat_interval_ms,
      logCompactionThreshold: raft.log_compaction_threshold,
      snapshotInterval: raft.snapshot_interval,
      maxAppendEntries: raft.max_append_entries,
      leaseReads: raft.lease_reads,
    },
    sharding: {
      shardCount: sharding.shard_count,
      replicaCount: sharding.replica_count,
      rebalanceThreshold: sharding.rebalance_threshold,
      migrationBatchSize: sharding.migration_batch_size,
      migrationRateMbPerSec: sharding.migration_rate_mb_per_sec,
    },
    vector: {
      dimension: vector.dimension,
      distanceMetric: vector.distance_metric,
      binaryQuantization: vector.binary_quantization,
    },
    storage: {
      compressionEnabled: storage.compression_enabled,
      cacheSizeMb: storage.cache_size_mb,
      writeBufferSizeMb: storage.write_buffer_size_mb,
      diskSoftLimitMb: storage.disk_soft_limit_mb,
      diskHardLimitMb: storage.disk_hard_limit_mb,
      diskBallastMb: storage.disk_ballast_mb,
    },
    index: { m: index.m, efConstruction: index.ef_construction, efSearch: index.ef_search },
    monitoring: {
      prometheusEnabled: monitoring.prometheus_enabled,
      prometheusPort: monitoring.prometheus_port,
      metricsIntervalSecs: monitoring.metrics_interval_secs,
    },
    backup: { schedule: backup.schedule, keep: backup.keep },
    explicit: o.explicit,
  });
}

function serverOf({ server }: Settings, machine: Machine): ServerConfig {
  return {
    host: server.host,
    grpcPort: server.grpc_port,
    restPort: server.rest_port,
    dataDir: machine.absolutePath(server.data_dir),
    logLevel: server.log_level,
    workerThreads: server.worker_threads ?? machine.cores,
    maxBodyMb: server.max_body_mb,
    requestTimeoutMs: server.request_timeout_ms,
    memoryLimitMb: server.memory_limit_mb ?? memoryLimitMb(machine),
    adminAuth: server.admin_auth,
  };
}

function clusterOf(settings: Settings): ClusterConfig {
  const { cluster, server } = settings;
  const enabled = isClusterEnabled(settings);
  const nodeId = cluster.node_id ?? SINGLE_NODE_ID;
  const { host } = advertisedAddress(settings);
  const raftAddress = cluster.raft_address ?? formatAddress({ host, port: cluster.raft_port });
  const founders = enabled ? cluster.initial_peers : [`${nodeId}@${raftAddress}`];
  return {
    enabled,
    nodeId,
    nodeAddress: cluster.node_address ?? formatAddress({ host, port: server.grpc_port }),
    restAddress: cluster.rest_address ?? formatAddress({ host, port: server.rest_port }),
    raftAddress,
    raftPort: cluster.raft_port,
    clusterToken: cluster.cluster_token,
    clusterTokenPrevious: cluster.cluster_token_previous,
    initialPeers: peersOf(founders),
    joinCluster: cluster.join_cluster,
    seedNodes: peersOf(cluster.seed_nodes),
    zone: cluster.zone,
    clusterId: cluster.cluster_id,
    autoRejoin: cluster.auto_rejoin,
    bootstrap: cluster.bootstrap,
  };
}

function advertisedAddress({ cluster, server }: Settings): Address {
  const given = cluster.node_address === undefined ? undefined : parseAddress(cluster.node_address);
  const host = WILDCARD_HOSTS.has(server.host) ? '127.0.0.1' : server.host;
  return given ?? { host, port: server.grpc_port };
}

function deepFrozen<T extends object>(value: T): T {
  for (const inner of Object.values(value) as readonly unknown[]) {
    if (typeof inner === 'object' && inner !== null) deepFrozen(inner);
  }
  return Object.freeze(value);
}
