import { join } from 'node:path';
import { createRaftMetricsServer, GrpcServer, MetricsServer, RestServer } from './api/index.ts';
import { asError, systemClock, systemRandom } from './base/index.ts';
import { ClusterNode, type ClusterOptions } from './cluster/index.ts';
import { addCollectors, peerTraffic, raftMetrics } from './compose-metrics.ts';
import { openStorage, type Storage } from './compose-storage.ts';
import type { Config, ConfigHandle } from './config/index.ts';
import { configurePool } from './native/index.ts';
import { type Logger, MemoryGuard, Metrics } from './observability/index.ts';
import { type DiskRoom, PeerTransport, RaftHost } from './raft/index.ts';
import { AdminService, PointsService } from './service/index.ts';
import { ShardHost } from './shard/index.ts';
import type { DiskGuard } from './storage/index.ts';

/** How long a stopping node serves and finishes requests, handing over its leaderships included. */
const STOP_GRACE_MS = 10_000;
/** Of that, at most so long for leaderships. */
const HAND_OVER_MS = 4_000;
/** Files of the vector indexes, in the data directory. */
const INDEX_DIRECTORY = 'index';
/** Of the hard limit, for entries that come while the disk is full; the rest is for votes, tables and compactions. */
const FULL_DISK_SHARE = 1 / 8;
const MIB = 1024 * 1024;

export interface NodeDeps {
  readonly config: ConfigHandle;
  readonly version: string;
  readonly logger: Logger;
  /** The node cannot go on: the process must end. */
  readonly onFatal: (error: Error) => void;
  /** The store is not what it was: the node must be stopped with `abandon` and started again. */
  readonly onForgotten: (reason: string) => void;
}

export interface RunningNode {
  /** Hands leadership over, finishes what is in flight, closes everything in order. */
  stop(): Promise<void>;
  /** Falls silent at once, and closes everything. */
  abandon(): Promise<void>;
}

/** The parts of a node that others are built on. */
interface Core {
  readonly storage: Storage;
  readonly metrics: Metrics;
  readonly memory: MemoryGuard;
  readonly shards: ShardHost;
  readonly cluster: ClusterNode;
  readonly transport: PeerTransport;
  readonly raft: RaftHost;
}

interface Doors {
  readonly admin: AdminService;
  readonly rest: RestServer;
  readonly grpc: GrpcServer;
  readonly monitoring: MetricsServer | undefined;
}

/** Builds a node from the disk up. It forms or joins its cluster only when every port is bound. */
export async function startNode(deps: NodeDeps): Promise<RunningNode> {
  const { config, logger } = deps;
  configurePool(config.current.server.workerThreads);
  const core = await openCore(deps);
  const doors = await openDoors(deps, core);
  addCollectors(core.metrics, {
    ...core,
    efSearch: () => config.current.index.efSearch,
    dataDirectory: core.storage.directory.path,
    stores: [core.storage.raft, core.storage.data],
    disk: core.storage.disk,
  });
  core.metrics.start(config.current.monitoring.metricsIntervalSecs);
  core.cluster.onFormed(() => logger.info('the node serves its shards'));
  core.cluster.start({ groups: core.raft, peers: core.transport });
  return {
    stop: () => stopNode(core, doors, logger),
    abandon: () => closeNode(core, doors, 0),
  };
}

async function openCore(deps: NodeDeps): Promise<Core> {
  const { config, logger, onFatal } = deps;
  const settings = config.current;
  const clock = systemClock;
  const storage = await openStorage(settings, { clock, logger, version: deps.version, onError: onFatal });
  const { metrics, memory } = watches(settings, logger);
  const shards = await ShardHost.open({
    kv: storage.data,
    directory: join(storage.directory.path, INDEX_DIRECTORY),
    clock,
    logger,
    memoryLeft: () => memory.leftBytes,
    options: {
      efConstruction: settings.index.efConstruction,
      snapshotInterval: settings.raft.snapshotInterval,
    },
  });
  const options = clusterOptions(settings, deps.version);
  const onForgotten = (reason: string): void => void forget(reason);
  const common = { shards, clock, logger, onFatal, onForgotten };
  const room = { disk: () => storage.disk.room, memory: () => memory.room };
  const cluster = await ClusterNode.open({ options, ...storage, ...common, ...room });
  // Peers connect before the Raft host is there.
  const later: { raft?: RaftHost } = {};
  const sequence = (): number => Math.max(storage.sequence, later.raft?.syncedSequence ?? 0);
  const raftPages = createRaftMetricsServer({ metrics, logger });
  const transport = await naming('Raft', settings.cluster.raftPort, () =>
    PeerTransport.listen({
      host: settings.server.host,
      port: settings.cluster.raftPort,
      hello: () => ({ ...cluster.hello(), sequence: sequence() }),
      memory: storage.floor,
      onForgotten,
      tokens: () => tokensOf(config.current),
      authorize: (peer, purpose) => cluster.refusal(peer, purpose),
      http: (socket) => raftPages.emit('connection', socket),
      logger,
      clock,
      metrics: peerTraffic(metrics),
    }),
  );
  let isForgotten = false;
  async function forget(reason: string): Promise<void> {
    if (isForgotten) return;
    isForgotten = true;
    // Nothing more leaves: whatever was promised since the disk was set back is not this store's to keep.
    const closed = transport.close();
    await storage.directory.forget(reason);
    await closed;
    deps.onForgotten(reason);
  }
  const raft = await RaftHost.open({
    kv: storage.raft,
    transport,
    clock,
    random: systemRandom(),
    logger,
    metrics: raftMetrics(metrics),
    floor: storage.floor,
    applier: cluster.applier,
    disk: appendRoom(storage.disk),
    options: {
      ...settings.raft,
      logCompactionThreshold: () => config.current.raft.logCompactionThreshold,
      snapshotBytesPerSecond: () => config.current.sharding.migrationRateMbPerSec * MIB,
    },
    onFatal,
  });
  later.raft = raft;
  return { storage, metrics, memory, shards, cluster, transport, raft };
}

/** What looks at the process itself. */
function watches({ server }: Config, logger: Logger): Pick<Core, 'metrics' | 'memory'> {
  const clock = systemClock;
  const limitBytes = server.memoryLimitMb * MIB;
  return {
    metrics: new Metrics({ clock, logger, memoryLimitBytes: limitBytes }),
    memory: new MemoryGuard({ clock, logger, limitBytes }),
  };
}

function appendRoom(disk: DiskGuard): DiskRoom {
  return {
    hasRoom: () => disk.state !== 'full',
    reserveBytes: disk.room.limits.hardBytes * FULL_DISK_SHARE,
  };
}

async function openDoors(deps: NodeDeps, core: Core): Promise<Doors> {
  const { config, logger } = deps;
  const { server, monitoring } = config.current;
  const { metrics, cluster } = core;
  const clock = systemClock;
  const points = new PointsService({
    groups: core.raft,
    peers: core.transport,
    directory: cluster,
    shards: core.shards,
    clock,
    efSearch: () => config.current.index.efSearch,
    leaseReads: config.current.raft.leaseReads,
  });
  const admin = adminService(config, cluster);
  const { host } = server;
  const common = { logger, clock };
  const rest = await naming('REST', server.restPort, () =>
    RestServer.start({
      ...common,
      points,
      admin,
      metrics,
      random: systemRandom(),
      settings: {
        host,
        port: server.restPort,
        maxBodyMb: server.maxBodyMb,
        requestTimeoutMs: server.requestTimeoutMs,
        version: deps.version,
      },
    }),
  );
  const grpc = await naming('gRPC', server.grpcPort, () =>
    GrpcServer.start({
      ...common,
      isReady: () => admin.notReady() === undefined,
      settings: { host, port: server.grpcPort },
    }),
  );
  if (!monitoring.prometheusEnabled) return { admin, rest, grpc, monitoring: undefined };
  const { prometheusPort: port } = monitoring;
  const metricsServer = await naming('metrics', port, () =>
    MetricsServer.start({ ...common, metrics, settings: { host, port } }),
  );
  return { admin, rest, grpc, monitoring: metricsServer };
}

function adminService(config: ConfigHandle, cluster: ClusterNode): AdminService {
  return new AdminService({
    directory: cluster,
    leader: () => cluster.leader(),
    join: (nodeId) => cluster.join(nodeId),
    reports: {
      info: () => ({ ...cluster.reports.info() }),
      nodes: () => ({ ...cluster.reports.nodes() }),
      shards: () => ({ ...cluster.reports.shards() }),
      health: () => cluster.reports.health(),
    },
    adminAuth: () => config.current.server.adminAuth,
    tokens: () => tokensOf(config.current),
  });
}

/**
 * First nobody new comes and leaderships go, while everything is still served; then the requests in flight finish; then
 * the parts close, each before what it stands on.
 */
async function stopNode(core: Core, doors: Doors, logger: Logger): Promise<void> {
  const startMs = systemClock.nowMs();
  doors.admin.beginStopping();
  await core.cluster.beginStopping();
  await core.raft.transferAllLeadership(startMs + HAND_OVER_MS);
  logger.info('leaderships are handed over', { ms: Math.round(systemClock.nowMs() - startMs) });
  const graceMs = Math.max(0, startMs + STOP_GRACE_MS - systemClock.nowMs());
  await closeNode(core, doors, graceMs);
}

async function closeNode(core: Core, doors: Doors, graceMs: number): Promise<void> {
  await Promise.all([doors.rest.close(graceMs), doors.grpc.close(graceMs), doors.monitoring?.close(graceMs)]);
  await core.cluster.stop();
  await core.raft.stop();
  await core.transport.close();
  core.metrics.stop();
  core.memory.stop();
  await core.shards.close();
  await core.storage.close();
}

function tokensOf({ cluster }: Config): string[] {
  return [cluster.clusterToken, cluster.clusterTokenPrevious].filter((token) => token !== undefined);
}

function clusterOptions(config: Config, version: string): ClusterOptions {
  const { cluster, sharding, vector, index } = config;
  return {
    nodeId: cluster.nodeId,
    addresses: { raft: cluster.raftAddress, grpc: cluster.nodeAddress, rest: cluster.restAddress },
    zone: cluster.zone ?? '',
    initialPeers: cluster.initialPeers,
    joinCluster: cluster.joinCluster,
    seedNodes: cluster.seedNodes,
    clusterId: cluster.clusterId,
    autoRejoin: cluster.autoRejoin,
    settings: {
      shardCount: sharding.shardCount,
      replicaCount: sharding.replicaCount,
      dimension: vector.dimension,
      metric: vector.distanceMetric,
      binaryQuantization: vector.binaryQuantization,
      m: index.m,
    },
    explicit: config.explicit,
    version,
  };
}

/** Says which door could not be opened. */
async function naming<T>(door: string, port: number, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw new Error(`the ${door} port ${port} cannot be opened: ${asError(error).message}`, { cause: error });
  }
}
