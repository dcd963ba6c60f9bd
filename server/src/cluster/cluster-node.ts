import { asError, type Clock, GrapeError, NotLeaderError, present } from '../base/index.ts';
import { type CollectionSchema, DEFAULT_COLLECTION_ID } from '../model/index.ts';
import type { Logger } from '../observability/index.ts';
import { META_GROUP, PROTOCOL_VERSION } from '../raft/index.ts';
import type { DataDirectory, KvStore } from '../storage/index.ts';
import { parseAddress } from './addresses.ts';
import { ClusterApplier } from './applier.ts';
import { refusalOf } from './authorize.ts';
import {
  type ClusterInfo,
  infoOf,
  type NodesInfo,
  nodesOf,
  shardsOf,
  type ShardsInfo,
} from './cluster-json.ts';
import type { ClusterPicture } from './cluster-view.ts';
import { Formation } from './formation.ts';
import { type Health, judge, type Verdict } from './health.ts';
import { LeaderBalancer } from './leader-balancer.ts';
import { LocalReplicas } from './local-replicas.ts';
import { encodeMetaCommand, type MetaCommand } from './meta-command.ts';
import { proposalsOfMetaLeader } from './meta-duties.ts';
import type { MetaResult } from './meta-state.ts';
import { MetaStore } from './meta-store.ts';
import type { GroupState, Groups, Hello, LocalShards, Peers } from './ports.ts';
import { Periodic } from './periodic.ts';
import type { FormationRecord } from './record.ts';
import { differencesFromCluster, explicitSettings } from './settings.ts';
import { StatusExchange } from './status-exchange.ts';
import { type ClusterMap, type ClusterOptions, type Member, StartRefusedError } from './types.ts';

/** How often the leader of `meta` looks for something to propose. */
const DUTIES_PERIOD_MS = 500;
/** Longest wait for a change of the map; the leader of `meta` tries again in its next period. */
const PROPOSAL_MS_MAX = 5_000;
/** How long the first founder waits for connections before it campaigns; elections do not need it to. */
const FIRST_CONNECTIONS_MS = 1_000;
const CONNECTION_CHECK_MS = 10;

export interface ClusterDeps {
  readonly options: ClusterOptions;
  readonly directory: DataDirectory;
  /** The `data/` store; the map has its own rows in it. */
  readonly data: KvStore;
  /** The stores hold entries or points. */
  readonly holdsData: boolean;
  readonly shards: LocalShards;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The node must end; called at most once per cause. */
  readonly onFatal: (error: Error) => void;
}

/** What is made after `open`, because it needs `hello`, `refusal` and `applier`. */
export interface ClusterConnections {
  readonly groups: Groups;
  readonly peers: Peers;
}

/** Made by `start`. */
interface Running extends ClusterConnections {
  readonly replicas: LocalReplicas;
  readonly exchange: StatusExchange;
  readonly balancer: LeaderBalancer;
  readonly duties: Periodic;
}

/** This node's membership: how it comes about, the replicated map, the replicas it makes this node start. */
export class ClusterNode {
  /** For the Raft host: `meta` and the shards. */
  readonly applier: ClusterApplier;
  readonly #deps: ClusterDeps;
  readonly #meta: MetaStore;
  readonly #formation: Formation;
  readonly #formedListeners: (() => void)[] = [];
  #running: Running | undefined;
  #isMemberSinceMs: number | undefined;
  #isStopping = false;
  readonly #stopping = new AbortController();

  private constructor(deps: ClusterDeps, meta: MetaStore, formation: Formation) {
    this.#deps = deps;
    this.#meta = meta;
    this.#formation = formation;
    this.applier = new ClusterApplier(meta, deps.shards);
  }

  /**
   * Reads what the disk says. Throws `StartRefusedError` when the directory belongs to another node or cluster, or when
   * the configuration sets another value than the cluster has latched.
   */
  static async open(deps: ClusterDeps): Promise<ClusterNode> {
    const meta = await MetaStore.open(deps.data);
    const formation = await Formation.open(deps);
    const node = new ClusterNode(deps, meta, formation);
    node.#refuseOtherSettings();
    return node;
  }

  get nodeId(): string {
    return this.#deps.options.nodeId;
  }

  hello(): Hello {
    const { identity } = this.#deps.directory;
    const { standing } = this.#formation;
    return {
      protocol: PROTOCOL_VERSION,
      clusterId: standing.kind === 'member' ? standing.record.clusterId : identity.clusterId,
      nodeId: this.nodeId,
      storeUuid: identity.storeUuid,
      incarnation: identity.incarnation,
      bootNonce: identity.bootNonce,
    };
  }

  /** Why a peer is refused; undefined when it is welcome. Anyone with the token may talk about forming. */
  refusal(peer: Hello, purpose: 'cluster' | 'forming'): string | undefined {
    if (purpose === 'forming') return undefined;
    const { standing } = this.#formation;
    return refusalOf({ peer, selfId: this.nodeId, standing, members: this.#members() });
  }

  start(connections: ClusterConnections): void {
    const { standing } = this.#formation;
    this.#formation.onMember((record) => this.#becomeMember(record, true));
    this.#running = this.#assemble(connections);
    this.#meta.onChange((map) => this.#follow(map, true));
    if (standing.kind === 'member') this.#becomeMember(standing.record, false);
    this.#formation.start(connections.peers);
  }

  /** Tells the others that leaderships should not come here any more. */
  async beginStopping(): Promise<void> {
    this.#isStopping = true;
    if (this.#isMemberSinceMs !== undefined) await this.#running?.exchange.sendNow();
  }

  /** Before the Raft host stops. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#formation.stop();
    const running = this.#running;
    if (running === undefined || this.#isMemberSinceMs === undefined) return;
    await Promise.all([running.exchange.stop(), running.balancer.stop(), running.duties.stop()]);
    await running.replicas.settled();
  }

  /** Called when the node has a map and its replicas are started; at once when that is so already. */
  onFormed(listener: () => void): void {
    if (this.#running?.replicas.areStarted === true) listener();
    else this.#formedListeners.push(listener);
  }

  map(): ClusterMap | undefined {
    return this.#formation.standing.kind === 'member' ? this.#meta.map : undefined;
  }

  collection(): CollectionSchema | undefined {
    return this.#running?.replicas.collection(DEFAULT_COLLECTION_ID);
  }

  /** True on the leader of `meta` once everything in its log is applied: what the map lacks is not there. */
  isMapCurrent(): boolean {
    const meta = this.#groupState(META_GROUP);
    return meta?.isLeader === true && meta.raft.applied === meta.raft.lastIndex;
  }

  /**
   * The default collection; made with this dimension when there is none, which only a cluster of one can lack. Throws
   * SHARD_UNAVAILABLE when that cannot be decided here and now.
   */
  async ensureCollection(dimension: number): Promise<CollectionSchema> {
    const existing = this.collection();
    if (existing !== undefined) return existing;
    const map = this.map();
    if (map === undefined) throw this.#notAMember();
    const { metric, m } = map.settings;
    const schema = { id: DEFAULT_COLLECTION_ID, name: 'default', dimension, metric, m };
    const result = await this.#propose({ kind: 'createCollection', schema }).catch(asUnavailable);
    // The change is followed from the moment it is applied here: its index exists when that has settled.
    await this.#running?.replicas.settled();
    if (result.kind === 'collection') return result.schema;
    throw new GrapeError('SHARD_UNAVAILABLE', 'the collection could not be created now');
  }

  /** `GET /cluster/info`; this and the next two throw NOT_A_MEMBER before there is a map. */
  info(): ClusterInfo {
    return infoOf(this.#knownPicture(), { nodeId: this.nodeId, version: this.#deps.options.version });
  }

  nodes(): NodesInfo {
    return nodesOf(this.#knownPicture());
  }

  shards(): ShardsInfo {
    return shardsOf(this.#knownPicture());
  }

  health(): Health {
    const meta = this.#groupState(META_GROUP);
    const role = meta === undefined ? 'learner' : roleOf(meta);
    return { ...this.#verdict(), role, leaderId: meta?.leaderNode };
  }

  /** Node id of the leader of `meta`, as far as this node knows. */
  leader(): string | undefined {
    return this.#groupState(META_GROUP)?.leaderNode;
  }

  #assemble({ groups, peers }: ClusterConnections): Running {
    const { clock, logger, onFatal, shards, options } = this.#deps;
    const replicas = new LocalReplicas({ nodeId: options.nodeId, groups, shards, logger });
    const exchange = new StatusExchange({
      clock,
      logger,
      peers,
      ownStatus: () => replicas.status(options, this.#isStopping),
      isMember: (from) => this.refusal(from, 'cluster') === undefined,
      others: () => this.#otherMembers().map(({ nodeId }) => nodeId),
      onFatal,
    });
    const balancer = new LeaderBalancer({
      nodeId: options.nodeId,
      groups,
      clock,
      logger,
      onFatal,
      picture: () => this.#picture(),
    });
    const duties = new Periodic({
      clock,
      periodMs: DUTIES_PERIOD_MS,
      run: () => this.#leadMeta(),
      onError: onFatal,
    });
    groups.onLeaderChange((group, _leader, isLeader) => {
      balancer.leaderChanged(group);
      // The first map should not wait for the next period.
      if (group === META_GROUP && isLeader)
        this.#leadMeta().catch((error: unknown) => onFatal(asError(error)));
    });
    return { groups, peers, replicas, exchange, balancer, duties };
  }

  #becomeMember(record: FormationRecord, isNew: boolean): void {
    const running = present(this.#running, 'the running part of the node');
    this.#isMemberSinceMs = this.#deps.clock.nowMs();
    this.#connect();
    for (const part of [running.exchange, running.balancer, running.duties]) part.start();
    this.#startMeta(record, isNew).catch((error: unknown) => this.#deps.onFatal(asError(error)));
    if (this.#meta.map !== undefined) this.#follow(this.#meta.map, false);
  }

  /** In a new cluster the first founder campaigns at once, but not before a majority can hear it. */
  async #startMeta(record: FormationRecord, isNew: boolean): Promise<void> {
    const { replicas, peers, groups } = present(this.#running, 'the running part of the node');
    const campaigns = isNew && record.founders[0]?.nodeId === this.nodeId;
    if (campaigns && record.founders.length > 1) await this.#majorityConnected(peers);
    await this.#meta.recover(groups.generation(META_GROUP));
    replicas.startMeta({ record, applied: this.#meta.applied, isNew });
  }

  async #majorityConnected(peers: Peers): Promise<void> {
    const { clock } = this.#deps;
    const untilMs = clock.nowMs() + FIRST_CONNECTIONS_MS;
    const needed = Math.floor(this.#members().length / 2);
    while (clock.nowMs() < untilMs && !this.#isStopping) {
      if (this.#otherMembers().filter(({ nodeId }) => peers.isConnected(nodeId)).length >= needed) return;
      await new Promise<void>((resolve) => clock.after(CONNECTION_CHECK_MS, resolve));
    }
  }

  #connect(): void {
    const others = this.#otherMembers().map(
      ({ nodeId, raftAddress }) => [nodeId, parseAddress(raftAddress)] as const,
    );
    this.#running?.peers.setPeers(new Map(others));
  }

  /** Brings this node to what the map says; several changes in a row are followed in order. */
  #follow(map: ClusterMap, isNew: boolean): void {
    this.#connect();
    const { replicas, balancer } = present(this.#running, 'the running part of the node');
    const wasStarted = replicas.areStarted;
    replicas.follow(map, isNew).then(
      () => {
        if (wasStarted) return;
        if (isNew) balancer.clusterFormed();
        for (const listener of this.#formedListeners.splice(0)) listener();
      },
      (error: unknown) => this.#deps.onFatal(asError(error)),
    );
  }

  /** What the leader of `meta` owes the cluster; a failed attempt is repeated in the next period by whoever leads then. */
  async #leadMeta(): Promise<void> {
    const { standing } = this.#formation;
    if (standing.kind !== 'member' || this.#groupState(META_GROUP)?.isLeader !== true) return;
    const heard = this.#running?.exchange.heard() ?? new Map();
    for (const command of proposalsOfMetaLeader({ record: standing.record, map: this.#meta.map, heard })) {
      try {
        await this.#propose(command);
      } catch (error) {
        if (!(error instanceof GrapeError || error instanceof NotLeaderError)) throw error;
        this.#deps.logger.info('a change of the cluster map was not committed', {
          command: command.kind,
          reason: error.message,
        });
      }
    }
  }

  /** Throws WRITE_TIMEOUT when the outcome stays open: without a quorum a proposal waits for ever. */
  async #propose(command: MetaCommand): Promise<MetaResult> {
    const { groups } = present(this.#running, 'the running part of the node');
    const { promise } = groups.propose(META_GROUP, encodeMetaCommand(command));
    const timeout = Promise.withResolvers<never>();
    const giveUp = (): void => timeout.reject(new GrapeError('WRITE_TIMEOUT', 'meta has no quorum now'));
    const timer = this.#deps.clock.after(PROPOSAL_MS_MAX, giveUp);
    this.#stopping.signal.addEventListener('abort', giveUp);
    try {
      const { result } = await Promise.race([promise, timeout.promise]);
      return result as MetaResult;
    } finally {
      timer.cancel();
      this.#stopping.signal.removeEventListener('abort', giveUp);
    }
  }

  #verdict(): Verdict {
    const { standing } = this.#formation;
    if (standing.kind !== 'member') return { status: 'unavailable', reason: standing.reason };
    const map = this.#meta.map;
    if (map === undefined)
      return { status: 'unavailable', reason: 'waiting for a majority of the founders to make the map' };
    const numbers = map.shards.map(({ shard }) => shard);
    return judge({
      shards: numbers.length,
      outOfReach: numbers.filter((shard) => !this.#reachesLeader(shard)),
      damaged: numbers.filter((shard) => this.#groupState(shard)?.damage !== undefined),
    });
  }

  /** A leader is known and is this node or connected to it: strong reads and writes can be asked of it. */
  #reachesLeader(shard: number): boolean {
    const state = this.#groupState(shard);
    if (state === undefined) return false;
    return (
      state.isLeader ||
      (state.leaderNode !== undefined && this.#running?.peers.isConnected(state.leaderNode) === true)
    );
  }

  #groupState(group: number): GroupState | undefined {
    const groups = this.#running?.groups;
    return groups?.groups().includes(group) === true ? groups.status(group) : undefined;
  }

  #picture(): ClusterPicture | undefined {
    const map = this.map();
    if (map === undefined || this.#running === undefined || this.#isMemberSinceMs === undefined)
      return undefined;
    const listeningMs = this.#deps.clock.nowMs() - this.#isMemberSinceMs;
    return { map, heard: this.#running.exchange.heard(), listeningMs };
  }

  #knownPicture(): ClusterPicture {
    const picture = this.#picture();
    if (picture === undefined) throw this.#notAMember();
    return picture;
  }

  #notAMember(): GrapeError {
    return new GrapeError(
      'NOT_A_MEMBER',
      this.#verdict().reason ?? `${this.nodeId} is not a member of a cluster yet`,
    );
  }

  #members(): readonly Member[] {
    const { standing } = this.#formation;
    if (standing.kind !== 'member') return [];
    return this.#meta.map?.members ?? standing.record.founders;
  }

  #otherMembers(): readonly Member[] {
    return this.#members().filter(({ nodeId }) => nodeId !== this.nodeId);
  }

  #refuseOtherSettings(): void {
    const { options } = this.#deps;
    const { standing } = this.#formation;
    if (standing.kind !== 'member') return;
    const latched = this.#meta.map?.settings ?? standing.record.settings;
    const differences = differencesFromCluster(explicitSettings(options.settings, options.explicit), latched);
    if (differences.length > 0) throw new StartRefusedError(differences.join('; '));
  }
}

function roleOf({ isLeader, raft }: GroupState): NonNullable<Health['role']> {
  if (isLeader) return 'leader';
  return raft.confState.learners.includes(raft.id) ? 'learner' : 'follower';
}

function asUnavailable(error: unknown): never {
  if (!(error instanceof NotLeaderError)) throw error;
  throw new GrapeError(
    'SHARD_UNAVAILABLE',
    `the collection is created by the leader of meta: ${error.message}`,
  );
}
