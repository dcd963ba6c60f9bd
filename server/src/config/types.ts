import type { Metric } from '../model/index.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A peer as the configuration writes it: "node-id@host:raft_port". */
export interface Peer {
  readonly nodeId: string;
  readonly host: string;
  readonly port: number;
}

/** The settings of a node, complete and frozen. `docs/reference/config.md` explains every key. */
export interface Config {
  readonly server: ServerConfig;
  readonly cluster: ClusterConfig;
  readonly raft: RaftConfig;
  readonly sharding: ShardingConfig;
  readonly vector: VectorConfig;
  readonly storage: StorageConfig;
  readonly index: IndexConfig;
  readonly monitoring: MonitoringConfig;
  readonly backup: BackupConfig;
  /** Paths that file, environment or flags set ("sharding.shard_count"): values of the cluster are compared only then. */
  readonly explicit: ReadonlySet<string>;
}

export interface ServerConfig {
  readonly host: string;
  readonly grpcPort: number;
  readonly restPort: number;
  /** An absolute path. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  readonly workerThreads: number;
  readonly maxBodyMb: number;
  readonly requestTimeoutMs: number;
  readonly memoryLimitMb: number;
  readonly adminAuth: 'open' | 'token';
}

export interface ClusterConfig {
  readonly enabled: boolean;
  readonly nodeId: string;
  /** host:grpc_port that others reach this node at. */
  readonly nodeAddress: string;
  readonly restAddress: string;
  /** Advertised host:port of the Raft transport. */
  readonly raftAddress: string;
  readonly raftPort: number;
  /** Undefined only on a single node. */
  readonly clusterToken: string | undefined;
  readonly clusterTokenPrevious: string | undefined;
  /** The founders; a single node lists itself. */
  readonly initialPeers: readonly Peer[];
  readonly joinCluster: boolean;
  readonly seedNodes: readonly Peer[];
  readonly zone: string | undefined;
  readonly clusterId: string | undefined;
  readonly autoRejoin: boolean;
  readonly bootstrap: 'new' | 'restore';
}

export interface RaftConfig {
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly logCompactionThreshold: number;
  readonly snapshotInterval: number;
  readonly maxAppendEntries: number;
  readonly leaseReads: boolean;
}

export interface ShardingConfig {
  readonly shardCount: number;
  readonly replicaCount: number;
  readonly rebalanceThreshold: number;
  readonly migrationBatchSize: number;
  readonly migrationRateMbPerSec: number;
}

export interface VectorConfig {
  /** Undefined on a single node whose first write decides. */
  readonly dimension: number | undefined;
  readonly distanceMetric: Metric;
  readonly binaryQuantization: boolean;
}

export interface StorageConfig {
  readonly compressionEnabled: boolean;
  readonly cacheSizeMb: number;
  readonly writeBufferSizeMb: number;
  /** The three of the disk: undefined: as the file system is large. */
  readonly diskSoftLimitMb: number | undefined;
  readonly diskHardLimitMb: number | undefined;
  readonly diskBallastMb: number | undefined;
}

export interface IndexConfig {
  readonly m: number;
  readonly efConstruction: number;
  readonly efSearch: number;
}

export interface MonitoringConfig {
  readonly prometheusEnabled: boolean;
  readonly prometheusPort: number;
  readonly metricsIntervalSecs: number;
}

export interface BackupConfig {
  /** Cron expression of scheduled backups; undefined: none. */
  readonly schedule: string | undefined;
  readonly keep: number;
}

export interface LoadedConfig {
  readonly config: Config;
  /** For the log at start: unknown variables, risky settings. Values of secrets never appear. */
  readonly warnings: readonly string[];
  /** Paths of keys that were set and whose part comes with a later version. */
  readonly notYetInEffect: readonly string[];
}

/** Refused configuration: every problem found, each naming key, value and remedy. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}
