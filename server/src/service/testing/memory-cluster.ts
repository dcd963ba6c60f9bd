import {
  type Abandonment,
  asError,
  type Clock,
  FakeClock,
  GrapeError,
  NotLeaderError,
  present,
} from '../../base/index.ts';
import type { ClusterMap, IndexChange, ShardPlacement } from '../../cluster/index.ts';
import { NO_PAYLOAD_INDEXES, type CollectionSchema, type Metric } from '../../model/index.ts';
import { PointsService } from '../points-service.ts';
import type { Directory, Groups, GroupView, Peers, Proposal, RoomVerdict } from '../ports.ts';
import { MemoryShards } from './memory-shards.ts';

export interface MemoryClusterOptions {
  readonly nodes?: number;
  readonly shards?: number;
  readonly replicas?: number;
  /** Undefined: the first write decides. */
  readonly dimension?: number | undefined;
  readonly metric?: Metric;
  readonly clock?: Clock;
  readonly leaseReads?: boolean;
}

type Handler = (from: { readonly nodeId: string }, body: Buffer) => Promise<Buffer>;

interface LogState {
  index: number;
  leader: string | undefined;
  term: number;
}

interface Waiting {
  readonly run: () => boolean;
}

/**
 * A cluster in one process and one memory: a write is committed at once while a majority of its replicas is up, and
 * waits otherwise. Nodes go down and come back when told; leaders are where the test puts them.
 */
export class MemoryCluster {
  readonly clock: Clock;
  readonly nodes: ReadonlyMap<string, MemoryNode>;
  readonly metric: Metric;
  readonly placements: readonly ShardPlacement[];
  schema: CollectionSchema | undefined;
  isFormed = true;
  readonly leaseReads: boolean;
  readonly #settings: ClusterMap['settings'];
  readonly #logs = new Map<number, LogState>();
  readonly #waiting = new Set<Waiting>();

  constructor(options: MemoryClusterOptions = {}) {
    const { nodes = 1, shards = 4, replicas = nodes, dimension, metric = 'dot' } = options;
    this.clock = options.clock ?? new FakeClock();
    this.metric = metric;
    this.leaseReads = options.leaseReads ?? false;
    const names = Array.from({ length: nodes }, (_, i) => `node-${i + 1}`);
    this.placements = Array.from({ length: shards }, (_, shard) => placement(shard, names, replicas));
    this.#settings = {
      shardCount: shards,
      replicaCount: replicas,
      dimension,
      metric,
      binaryQuantization: false,
      m: 16,
    };
    if (dimension !== undefined) this.schema = this.#schemaOf(dimension);
    for (const { shard, preferredLeader } of this.placements) {
      this.#logs.set(shard, { index: 0, leader: preferredLeader, term: 1 });
    }
    this.nodes = new Map(names.map((name) => [name, new MemoryNode(this, name)]));
    for (const node of this.nodes.values()) node.start();
  }

  node(name: string): MemoryNode {
    return present(this.nodes.get(name), `node ${name}`);
  }

  map(): ClusterMap | undefined {
    if (!this.isFormed) return undefined;
    const { schema } = this;
    return {
      clusterId: 'memory',
      version: 1,
      settings: this.#settings,
      members: [],
      meta: { replicas: [], leaving: [], founders: [], nextReplicaId: 1, learners: [] },
      shards: this.placements,
      collections: schema === undefined ? [] : [schema],
    };
  }

  ensureCollection(dimension: number): CollectionSchema {
    this.schema ??= this.#schemaOf(dimension);
    return this.schema;
  }

  /** Of the rules only that a field has one index. */
  changeIndex(change: IndexChange): CollectionSchema {
    const schema = present(this.schema, 'a collection');
    const others = schema.payloadIndexes.filter(({ field }) => field !== change.field);
    const number = schema.payloadIndexesMade;
    const made = change.kind === 'createIndex' ? [{ number, field: change.field, type: change.type }] : [];
    if (made.length > 0 && others.length < schema.payloadIndexes.length)
      throw new GrapeError('INDEX_CONFLICT', 'the field has an index');
    this.schema = { ...schema, payloadIndexes: [...others, ...made], payloadIndexesMade: number + 1 };
    return this.schema;
  }

  log(shard: number): LogState {
    return present(this.#logs.get(shard), `the log of shard ${shard}`);
  }

  isUp(name: string): boolean {
    return this.nodes.get(name)?.isUp ?? false;
  }

  hasQuorum(shard: number): boolean {
    const { replicas } = present(this.placements[shard], `shard ${shard}`);
    return replicas.filter(({ nodeId }) => this.isUp(nodeId)).length * 2 > replicas.length;
  }

  setLeader(shard: number, leader: string | undefined): void {
    this.log(shard).leader = leader;
    for (const node of this.nodes.values()) node.leaderChanged(shard);
    this.wake();
  }

  /** Tries everything that waits for a quorum again. */
  wake(): void {
    for (const waiting of [...this.#waiting]) if (waiting.run()) this.#waiting.delete(waiting);
  }

  /** Runs `attempt` now and after every change until it answers true. */
  whenever(attempt: () => boolean): () => void {
    const waiting = { run: attempt };
    if (!attempt()) this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** Applies to every replica, up or not: one that is down is only unreachable. */
  commit(shard: number, command: Buffer): { index: number; result: unknown } {
    const log = this.log(shard);
    log.index += 1;
    const { replicas } = present(this.placements[shard], `shard ${shard}`);
    const results = replicas.map(({ nodeId }) => this.node(nodeId).shards.apply(shard, log.index, command));
    return { index: log.index, result: results[0] };
  }

  #schemaOf(dimension: number): CollectionSchema {
    return { id: 1, name: 'default', dimension, metric: this.metric, m: 16, ...NO_PAYLOAD_INDEXES };
  }
}

/** One node: the ports of the service over the shared memory, and the service itself. */
export class MemoryNode implements Groups, Directory {
  readonly nodeId: string;
  readonly shards: MemoryShards;
  readonly peers: MemoryPeers;
  isUp = true;
  /** False: as after a start, before the map was followed. */
  isCollectionOpen = true;
  /** False: as after a start, before the own log was applied. */
  hasCurrentMap = true;
  /** Proposals are refused with this while it is set. */
  proposalError: Error | undefined;
  /** Proposals stay in the queue in front of the log, where they can be taken back. */
  isStalled = false;
  /** What `roomFor` says. */
  room: (shard: number, demand: 'take' | 'make') => RoomVerdict = () => 'ok';
  /** Log entries that this node has proposed. */
  proposals = 0;
  readonly #cluster: MemoryCluster;
  readonly #listeners: Parameters<Groups['onLeaderChange']>[0][] = [];
  #points: PointsService | undefined;

  constructor(cluster: MemoryCluster, nodeId: string) {
    this.#cluster = cluster;
    this.nodeId = nodeId;
    this.shards = new MemoryShards(cluster.metric);
    this.peers = new MemoryPeers(cluster, nodeId);
    for (const shard of this.groups()) this.shards.open(shard);
  }

  get points(): PointsService {
    return present(this.#points, 'the service of a started node');
  }

  roomFor(shard: number, demand: 'take' | 'make'): RoomVerdict {
    return this.room(shard, demand);
  }

  start(): void {
    const { clock } = this.#cluster;
    const { shards, peers } = this;
    this.#points = new PointsService({
      groups: this,
      directory: this,
      shards,
      peers,
      clock,
      efSearch: () => 100,
      leaseReads: this.#cluster.leaseReads,
    });
  }

  down(): void {
    this.isUp = false;
    this.#cluster.wake();
  }

  up(): void {
    this.isUp = true;
    this.#cluster.wake();
  }

  map(): ClusterMap | undefined {
    return this.#cluster.map();
  }

  collection(): CollectionSchema | undefined {
    return this.isCollectionOpen ? this.#cluster.schema : undefined;
  }

  isMapCurrent(): boolean {
    return this.hasCurrentMap;
  }

  changeIndex(change: IndexChange): Promise<CollectionSchema> {
    return Promise.resolve(this.#cluster.changeIndex(change));
  }

  ensureCollection(dimension: number): Promise<CollectionSchema> {
    return Promise.resolve(this.#cluster.ensureCollection(dimension));
  }

  groups(): readonly number[] {
    return this.#cluster.placements
      .filter(({ replicas }) => replicas.some(({ nodeId }) => nodeId === this.nodeId))
      .map(({ shard }) => shard);
  }

  status(group: number): GroupView {
    const { leader, index } = this.#cluster.log(group);
    const isHeard = leader !== undefined && this.#cluster.isUp(leader);
    return {
      leaderNode: leader,
      isLeader: leader === this.nodeId,
      isVoter: true,
      lastHeardLeaderMs: isHeard ? this.#cluster.clock.nowMs() : 0,
      raft: { commit: index },
    };
  }

  propose(group: number, command: Buffer): Proposal {
    const { leader } = this.#cluster.log(group);
    if (this.proposalError !== undefined) return refused(this.proposalError);
    if (leader !== this.nodeId) return refused(new NotLeaderError(leader));
    if (this.isStalled) return { promise: new Promise(() => undefined), proposed: false, cancel: () => true };
    this.proposals += 1;
    const promise = new Promise<{ index: number; result: unknown }>((resolve) => {
      this.#cluster.whenever(() => {
        if (!this.#cluster.hasQuorum(group)) return false;
        resolve(this.#cluster.commit(group, command));
        return true;
      });
    });
    return { promise, proposed: true, cancel: () => false };
  }

  readBarrier(group: number, abandonment?: Abandonment): Promise<number> {
    return new Promise((resolve) => {
      const stop = this.#cluster.whenever(() => {
        const { leader, index } = this.#cluster.log(group);
        if (leader === undefined || !this.#cluster.isUp(leader) || !this.#cluster.hasQuorum(group))
          return false;
        resolve(index);
        return true;
      });
      abandonment?.onAbandoned(stop);
    });
  }

  onLeaderChange(listener: Parameters<Groups['onLeaderChange']>[0]): void {
    this.#listeners.push(listener);
  }

  leaderChanged(group: number): void {
    const { leaderNode, isLeader } = this.status(group);
    if (!this.groups().includes(group)) return;
    for (const listener of this.#listeners) listener(group, leaderNode, isLeader);
  }
}

/** Requests that arrive at once, or surely do not. */
export class MemoryPeers implements Peers {
  readonly handlers = new Map<number, Handler>();
  /** Requests are carried out, but their answers are lost. */
  losesAnswers = false;
  /** Requests made by this node. */
  requests = 0;
  readonly #cluster: MemoryCluster;
  readonly #nodeId: string;

  constructor(cluster: MemoryCluster, nodeId: string) {
    this.#cluster = cluster;
    this.#nodeId = nodeId;
  }

  isConnected(nodeId: string): boolean {
    return this.#cluster.isUp(nodeId);
  }

  async request(nodeId: string, kind: number, body: Buffer, timeoutMs: number): Promise<Buffer> {
    this.requests += 1;
    if (!this.isConnected(nodeId)) throw new UnavailableError(nodeId, false);
    const handler = present(this.#cluster.node(nodeId).peers.handlers.get(kind), `the handler of ${kind}`);
    const answer = await this.#inTime(
      handler({ nodeId: this.#nodeId }, Buffer.from(body)),
      nodeId,
      timeoutMs,
    );
    if (this.losesAnswers) throw new UnavailableError(nodeId, true);
    return answer;
  }

  handle(kind: number, handler: Handler): void {
    this.handlers.set(kind, handler);
  }

  #inTime(answer: Promise<Buffer>, nodeId: string, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = this.#cluster.clock.after(timeoutMs, () => {
        reject(new UnavailableError(nodeId, true));
      });
      answer
        .then(resolve, (error: unknown) => {
          reject(error instanceof GrapeError ? new WireError(error) : asError(error));
        })
        .finally(() => {
          timer.cancel();
        });
    });
  }
}

class UnavailableError extends Error {
  readonly sent: boolean;

  constructor(nodeId: string, sent: boolean) {
    super(`node ${nodeId} is unavailable`);
    this.sent = sent;
  }
}

/** A coded error after its way over the wire. */
class WireError extends Error {
  readonly code: string;
  readonly details: unknown;

  constructor(error: GrapeError) {
    super(error.message);
    this.code = error.code;
    this.details = error.details;
  }
}

function refused(error: Error): Proposal {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return { promise, proposed: false, cancel: () => true };
}

function placement(shard: number, names: readonly string[], replicas: number): ShardPlacement {
  const chosen = Array.from({ length: replicas }, (_, i) =>
    present(names[(shard + i) % names.length], 'a node'),
  );
  return {
    shard,
    replicas: chosen.map((nodeId, i) => ({ replicaId: i + 1, nodeId })),
    leaving: [],
    founders: chosen.map((_, i) => i + 1),
    nextReplicaId: replicas + 1,
    preferredLeader: present(chosen[0], 'a first replica'),
  };
}
