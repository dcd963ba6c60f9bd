import { join } from 'node:path';

export interface PlanOptions {
  readonly nodeCount: number;
  /** Each node gets `directory/node<i>` with its data, configuration and log. */
  readonly directory: string;
  /** Ports as in the guide by default: REST 6333, 6343, ..; tests shift them all by the same number. */
  readonly portOffset?: number;
  readonly dimension?: number;
  /** Two ways to write the files: `guide`: one founder lists the peers, the others join; `shared`: all list them. */
  readonly style?: 'guide' | 'shared';
  readonly clusterToken?: string;
  /** TOML keys over those of the guide, as `{"raft.election_timeout_ms": 500}`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
}

export interface NodePlan {
  readonly nodeId: string;
  readonly directory: string;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly raftPort: number;
  readonly metricsPort: number;
}

export function planNodes(options: PlanOptions): NodePlan[] {
  const offset = options.portOffset ?? 0;
  return Array.from({ length: options.nodeCount }, (_, i) => ({
    nodeId: `node-${i + 1}`,
    directory: join(options.directory, `node${i + 1}`),
    restPort: 6333 + 10 * i + offset,
    grpcPort: 6334 + 10 * i + offset,
    raftPort: 7000 + 10 * i + offset,
    metricsPort: 9090 + i + offset,
  }));
}

/** The configuration file of one node: the guide's, apart from host names, ports and what `set` changes. */
export function nodeConfig(node: NodePlan, options: PlanOptions): string {
  const tables: Record<string, Record<string, unknown>> = {
    server: {
      grpc_port: node.grpcPort,
      rest_port: node.restPort,
      data_dir: join(node.directory, 'data'),
      log_level: 'info',
      worker_threads: 2,
    },
    cluster: clusterTable(node, options),
    raft: {
      election_timeout_ms: 1000,
      heartbeat_interval_ms: 250,
      log_compaction_threshold: 10_000,
      snapshot_interval: 1000,
      max_append_entries: 100,
    },
    sharding: { shard_count: 16, replica_count: 3, rebalance_threshold: 0.1, migration_batch_size: 1000 },
    vector: {
      distance_metric: 'cosine',
      ...(options.dimension === undefined ? {} : { dimension: options.dimension }),
    },
    storage: { compression_enabled: true, cache_size_mb: 64, write_buffer_size_mb: 32, disk_ballast_mb: 1 },
    index: { m: 16, ef_construction: 100, ef_search: 100 },
    monitoring: { prometheus_enabled: true, prometheus_port: node.metricsPort, metrics_interval_secs: 10 },
  };
  for (const [path, value] of Object.entries(options.set ?? {})) {
    const [table = '', key = ''] = path.split('.');
    (tables[table] ??= {})[key] = value;
  }
  return Object.entries(tables).map(tomlTable).join('\n');
}

function clusterTable(node: NodePlan, options: PlanOptions): Record<string, unknown> {
  const address = {
    node_id: node.nodeId,
    node_address: `127.0.0.1:${node.grpcPort}`,
    raft_port: node.raftPort,
  };
  const rest = { rest_address: `127.0.0.1:${node.restPort}` };
  if (options.nodeCount === 1) return { enabled: false, ...address, ...rest };
  const peers = planNodes(options).map((peer) => `${peer.nodeId}@127.0.0.1:${peer.raftPort}`);
  const token = options.clusterToken ?? 'grape-cluster-secret-token';
  const common = { enabled: true, ...address, ...rest, cluster_token: token };
  if (options.style === 'shared' || node.nodeId === 'node-1') return { ...common, initial_peers: peers };
  return { ...common, join_cluster: true, seed_nodes: peers.slice(0, 1) };
}

function tomlTable([name, keys]: [string, Record<string, unknown>]): string {
  const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `[${name}]\n${lines.join('\n')}\n`;
}
