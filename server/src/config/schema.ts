import { z } from 'zod';

import { DIMENSION_MAX, METRICS } from '../model/index.ts';
import { NODE_ID } from './address.ts';
import { address, choice, decimal, flag, integer, type Kind, peers, text } from './kinds.ts';

/** What is known about a key beside its schema. */
interface KeyNotes {
  /** One or two sentences for `docs/reference/config.md`. */
  readonly doc: string;
  /** How the default comes about, where it is not a constant. */
  readonly derived?: string;
  /** Read again while the node runs. */
  readonly reloadable?: true;
  /** Never printed. */
  readonly secret?: true;
  /** The part of Grape that the key belongs to, which this version does not have yet. */
  readonly later?: string;
  /** The value under which a later key asks for nothing. */
  readonly inert?: unknown;
}

/** Notes and kind of every key, found by its schema. */
const keyRegistry = z.registry<KeyNotes & Pick<Kind<z.ZodType>, 'expects' | 'fromText'>>();

const port = integer(1, 65_535);
const token = text(/^\S{1,512}$/, 'text of 1 to 512 characters without spaces');
const name = text(NODE_ID, 'up to 64 letters, digits, ".", "_" or "-", the first a letter or digit');
const ef = integer(1, 10_000);
const CRON = /^(@(hourly|daily|weekly|monthly)|[\d*/,-]+( [\d*/,A-Za-z-]+){4})$/;

const server = z.strictObject({
  host: withDefault(text(/^\S+$/, 'an address to bind to'), '0.0.0.0', {
    doc: 'Address that all listeners bind to.',
  }),
  grpc_port: withDefault(port, 6334, { doc: 'Port of gRPC (`grpc.health.v1`).' }),
  rest_port: withDefault(port, 6333, { doc: 'Port of the REST API.' }),
  data_dir: withDefault(text(/\S/, 'a path'), './data', {
    doc: 'Directory of everything the node stores; a relative path starts at the working directory.',
  }),
  log_level: withDefault(choice('debug', 'info', 'warn', 'error'), 'info', {
    doc: 'Least severe log lines that are written.',
    reloadable: true,
  }),
  worker_threads: optional(integer(1, 256), {
    doc: 'Threads of the native addon for storage and search.',
    derived: 'number of cores',
  }),
  max_body_mb: withDefault(integer(1, 1024), 32, {
    doc: 'Longest request body in MiB; a longer one is answered 413.',
  }),
  request_timeout_ms: withDefault(integer(100, 60_000), 5000, {
    doc: 'How long a request may wait for a leader or a quorum; `?timeout_ms=` overrides it per request.',
  }),
  memory_limit_mb: optional(integer(64, 16_777_216), {
    doc: 'Memory in MiB that the node may use. When almost all of it is used, upserts are answered 429.',
    derived: 'limit of the control group, else the memory of the machine',
  }),
  admin_auth: withDefault(choice('open', 'token'), 'open', {
    doc: '`token`: `/cluster/*` needs `Authorization: Bearer` with the cluster token. `open` warns at start.',
  }),
});

const cluster = z.strictObject({
  enabled: optional(flag(), {
    doc: 'Several nodes form one cluster. Without it the node is a cluster of its own.',
    derived: 'true with `join_cluster` or `initial_peers`, else false',
  }),
  node_id: optional(name, {
    doc: 'Name of this node, unique in the cluster and never reused. Required in a cluster.',
    derived: '`node-1` on a single node',
  }),
  node_address: optional(address(), {
    doc: '`host:grpc_port` under which other nodes and clients reach this node. Required in a cluster.',
    derived: '`127.0.0.1:<grpc_port>` on a single node, or `host` when that is one address',
  }),
  rest_address: optional(address(), {
    doc: 'Advertised `host:port` of the REST API.',
    derived: 'host of `node_address`, `rest_port`',
  }),
  raft_address: optional(address(), {
    doc: 'Advertised `host:port` of the Raft transport.',
    derived: 'host of `node_address`, `raft_port`',
  }),
  raft_port: withDefault(port, 7000, { doc: 'Port of the Raft transport and of `/raft/metrics`.' }),
  cluster_token: optional(token, {
    doc: 'Secret that nodes prove to each other, never sent. Required in a cluster.',
    reloadable: true,
    secret: true,
  }),
  cluster_token_previous: optional(token, {
    doc: 'Accepted beside `cluster_token`, so that the token can be changed node by node.',
    reloadable: true,
    secret: true,
  }),
  initial_peers: withDefault(peers(), [], {
    doc: 'The founders, as `node-id@host:raft_port`. A node that is not among them uses the list as seeds.',
  }),
  join_cluster: withDefault(flag(), false, {
    doc: 'This node founds nothing by itself: it is collected by a founder or admitted by `POST /cluster/join`.',
  }),
  seed_nodes: withDefault(peers(), [], { doc: 'Nodes to ask for the cluster, as `node-id@host:raft_port`.' }),
  zone: optional(name, { doc: 'Failure domain of the node, advertised to the cluster.' }),
  cluster_id: optional(name, {
    doc: 'The cluster that this node belongs to: a blank directory never forms one, a directory of another cluster ends the process.',
  }),
  auto_rejoin: withDefault(flag(), true, {
    doc: 'A node that lost its disk asks to be admitted again with the new one; `false`: it stays outside until `POST /cluster/join` names it.',
  }),
  bootstrap: withDefault(choice('new', 'restore'), 'new', {
    doc: '`restore`: the cluster answers points calls only once a restore has completed.',
    later: 'restore',
    inert: 'new',
  }),
});

const raft = z.strictObject({
  election_timeout_ms: withDefault(integer(50, 60_000), 1000, {
    doc: 'Shortest silence of a leader after which a follower starts an election.',
  }),
  heartbeat_interval_ms: withDefault(integer(5, 30_000), 250, {
    doc: 'Time between heartbeats of a leader; at most half of `election_timeout_ms`.',
  }),
  log_compaction_threshold: withDefault(integer(1, 1_000_000_000), 10_000, {
    doc: 'Applied entries that a group keeps in its log; fewer when they take more than 64 MiB.',
    reloadable: true,
  }),
  snapshot_interval: withDefault(integer(1, 1_000_000_000), 1000, {
    doc: 'Applied entries of a group between flush points of its state.',
  }),
  max_append_entries: withDefault(integer(1, 10_000), 100, { doc: 'Most entries in one append message.' }),
  lease_reads: withDefault(flag(), false, {
    doc: 'Leaders answer strong reads from a lease instead of a quorum round: faster, and right as long as the clocks of all nodes run at the same rate within a tenth.',
  }),
});

const sharding = z.strictObject({
  shard_count: withDefault(integer(1, 4096), 16, { doc: 'Shards of the cluster; fixed when it forms.' }),
  replica_count: withDefault(integer(1, 9), 3, {
    doc: 'Replicas that every shard should have; fewer nodes leave it under-replicated. Belongs to the cluster.',
  }),
  rebalance_threshold: withDefault(decimal(0.01, 1), 0.1, {
    doc: 'Imbalance from which replicas are moved without being asked.',
    reloadable: true,
    later: 'rebalancing',
  }),
  migration_batch_size: withDefault(integer(1, 100_000), 1000, {
    doc: 'Points in one message when a replica moves.',
    reloadable: true,
    later: 'migration',
  }),
  migration_rate_mb_per_sec: withDefault(decimal(0.1, 100_000), 64, {
    doc: 'Most MiB per second that a node sends in snapshots for replicas that move or lag.',
    reloadable: true,
  }),
});

const vector = z.strictObject({
  dimension: optional(integer(1, DIMENSION_MAX), {
    doc: 'Values per vector. Required for the founders of a cluster; belongs to the cluster.',
    derived: 'first write of a single node',
  }),
  distance_metric: withDefault(choice(...METRICS), 'cosine', {
    doc: 'How vectors are compared; belongs to the cluster.',
  }),
  binary_quantization: withDefault(flag(), false, {
    doc: 'Search on one bit per value before rescoring; belongs to the cluster.',
  }),
});

const storage = z.strictObject({
  compression_enabled: withDefault(flag(), true, { doc: 'Compress the files of the storage.' }),
  cache_size_mb: withDefault(integer(1, 1_048_576), 256, { doc: 'Block cache in MiB.' }),
  write_buffer_size_mb: withDefault(integer(1, 4096), 64, {
    doc: 'Memory in MiB that collects writes before a file is made.',
  }),
  disk_soft_limit_mb: optional(integer(1, 1_048_576), {
    doc: 'With less room than this on the disk, in MiB, the node hands its shards over; writes are refused while a majority of nodes has less.',
    derived: 'a tenth of the file system, at most 1,024, at least twice `disk_hard_limit_mb`',
  }),
  disk_hard_limit_mb: optional(integer(1, 1_048_576), {
    doc: 'With less room than this, in MiB, the node appends nothing any more; it still votes and reads. Below `disk_soft_limit_mb`.',
    derived: 'a twentieth of the file system, at least `write_buffer_size_mb`, at most 256',
  }),
  disk_ballast_mb: optional(integer(0, 1_048_576), {
    doc: 'Size in MiB of a file that is removed when the disk is full, so that compactions and the next start have room.',
    derived: '`write_buffer_size_mb` and 64, at most a twentieth of the file system',
  }),
});

const index = z.strictObject({
  m: withDefault(integer(2, 128), 16, { doc: 'Links per node of the graph; belongs to the cluster.' }),
  ef_construction: withDefault(ef, 100, {
    doc: 'Candidates collected when a vector is linked into the graph.',
  }),
  ef_search: withDefault(ef, 100, {
    doc: 'Candidates collected by a search that names no `ef`: more is more accurate and slower.',
    reloadable: true,
  }),
});

const monitoring = z.strictObject({
  prometheus_enabled: withDefault(flag(), true, { doc: 'Serve `/metrics` on `prometheus_port`.' }),
  prometheus_port: withDefault(port, 9090, { doc: 'Port of `/metrics`.' }),
  metrics_interval_secs: withDefault(integer(1, 3600), 10, {
    doc: 'Seconds between refreshes of the metrics that have to be looked up (memory, disk, points, indexes).',
  }),
});

const backup = z.strictObject({
  schedule: optional(text(CRON, 'a cron expression of five fields, or @daily'), {
    doc: 'When the cluster makes a snapshot by itself.',
    later: 'scheduled backups',
  }),
  keep: withDefault(integer(1, 1000), 7, {
    doc: 'Scheduled snapshots that are kept.',
    later: 'scheduled backups',
  }),
});

/** Every key, in the words of the file. Unknown sections and keys are refused. */
export const configSchema = z.strictObject({
  server: server.prefault({}),
  cluster: cluster.prefault({}),
  raft: raft.prefault({}),
  sharding: sharding.prefault({}),
  vector: vector.prefault({}),
  storage: storage.prefault({}),
  index: index.prefault({}),
  monitoring: monitoring.prefault({}),
  backup: backup.prefault({}),
});

/** All settings after defaults, before anything is derived. */
export type Settings = z.output<typeof configSchema>;

export interface ConfigKey extends KeyNotes {
  readonly section: string;
  readonly name: string;
  /** "section.name". */
  readonly path: string;
  /** The environment variable. */
  readonly variable: string;
  readonly expects: string;
  readonly fromText: (text: string) => unknown;
  /** Undefined: none, or derived. */
  readonly default: unknown;
}

/** Names that the guide gives to two keys. */
const SHORT_VARIABLES: Readonly<Record<string, string>> = {
  'cluster.node_id': 'GRAPE_NODE_ID',
  'cluster.raft_address': 'GRAPE_RAFT_ADDRESS',
};

/** Every key, in the order of the file. */
export const CONFIG_KEYS: readonly ConfigKey[] = Object.entries(configSchema.shape).flatMap(
  ([section, wrapped]) => {
    const shape: Readonly<Record<string, z.ZodType>> = wrapped.unwrap().shape;
    return Object.entries(shape).map(([name, schema]) => keyOf(section, name, schema));
  },
);

function keyOf(section: string, name: string, schema: z.ZodType): ConfigKey {
  const path = `${section}.${name}`;
  const notes = keyRegistry.get(schema);
  if (notes === undefined) throw new TypeError(`${path} has no notes`);
  return {
    ...notes,
    ...{ section, name, path },
    variable: SHORT_VARIABLES[path] ?? `GRAPE_${section}_${name}`.toUpperCase(),
    default: schema.parse(undefined),
  };
}

function withDefault<S extends z.ZodType>(
  kind: Kind<S>,
  value: z.output<S> & z.core.util.NoUndefined<z.output<S>>,
  notes: KeyNotes,
): z.ZodDefault<S> {
  return registered(kind.schema.default(value), kind, notes);
}

function optional<S extends z.ZodType>(kind: Kind<S>, notes: KeyNotes): z.ZodOptional<S> {
  return registered(kind.schema.optional(), kind, notes);
}

function registered<S extends z.ZodType>(
  schema: S,
  kind: Pick<Kind<z.ZodType>, 'expects' | 'fromText'>,
  notes: KeyNotes,
): S {
  keyRegistry.add(schema, { ...notes, expects: kind.expects, fromText: kind.fromText });
  return schema;
}
