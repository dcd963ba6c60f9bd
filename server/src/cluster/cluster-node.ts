import { asError, type Clock, GrapeError, NotLeaderError, pause, present } from '../base/index.ts';
import { type CollectionSchema, DEFAULT_COLLECTION_ID, NO_PAYLOAD_INDEXES } from '../model/index.ts';
import type { Logger, MemoryRoom } from '../observability/index.ts';
import { META_GROUP, PROTOCOL_VERSION } from '../raft/index.ts';
import { type DataDirectory, type KvStore, PatientKv } from '../storage/index.ts';
import { parseAddress } from './addresses.ts';
import { ClusterApplier } from './applier.ts';
import { refusalOf } from './authorize.ts';
import { ClusterReports } from './cluster-reports.ts';
import { type ClusterPicture, nodeStateOf } from './cluster-view.ts';
import { type Demand, judgeRoom, type RoomVerdict } from './disk-room.ts';
import { Formation } from './formation.ts';
import type { NodeDisk } from './health.ts';
import { KnownMap } from './known-map.ts';
import { MetaStore } from './meta-store.ts';
import { type ClusterConnections, type NodeParts, type NodeView, startParts } from './node-parts.ts';
import type { Hello, LocalShards, Peers } from './ports.ts';
import type { IndexChange } from './index-changes.ts';
import { placeMeta } from './placement.ts';
import type { FormationRecord } from './record.ts';
import { differencesFromCluster, explicitSettings } from './settings.ts';
import type { Standing } from './standing.ts';
import { type ClusterMap, type ClusterOptions, type Member, StartRefusedError } from './types.ts';

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
  /** Room on the disk of this node, now. */
  readonly disk: () => NodeDisk;
  /** Memory of this node, now. */
  readonly memory: () => MemoryRoom;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The store is not this node's any more: the node must fall silent and start again without it. */
  readonly onForgotten: (reason: string) => void;
  /** The node must end; called at most once per cause. */
  readonly onFatal: (error: Error) => void;
}

/** This node's membership: how it comes about, the replicated map, the replicas it makes this node start. */
export class ClusterNode {
  /** For the Raft host: `meta` and the shards. */
  readonly applier: ClusterApplier;
  /** What the node says about itself and the cluster. */
  readonly reports: ClusterReports;
  readonly #deps: ClusterDeps;
  readonly #meta: MetaStore;
  readonly #formation: Formation;
  readonly #known: KnownMap;
  readonly #formedListeners: (() => void)[] = [];
  #running: NodeParts | undefined;
  #isMemberSinceMs: number | undefined;
  #isStopping = false;
  #metaIsPlaced = false;
  #isTidy = false;
  readonly #stopping = new AbortController();

  private constructor(deps: ClusterDeps, meta: MetaStore, known: KnownMap, formation: Formation) {
    this.#deps = deps;
    this.#known = known;
    this.#meta = meta;
    this.#formation = formation;
    this.applier = new ClusterApplier(meta, deps.shards);
    const { nodeId, version } = deps.options;
    this.reports = new ClusterReports({
      nodeId,
      version,
      connections: () => this.#running,
      standing: () => this.#formation.standing,
      disk: deps.disk,
      memory: deps.memory,
      map: () => this.#meta.map,
      picture: () => this.#picture(),
    });
  }

  /**
   * Reads what the disk says. Throws `StartRefusedError` when the directory belongs to another node or cluster, or when
   * the configuration sets another value than the cluster has latched.
   */
  static async open(deps: ClusterDeps): Promise<ClusterNode> {
    const meta = await MetaStore.open(new PatientKv(deps.data, deps.clock));
    const known = new KnownMap();
    const formation = await Formation.open({ ...deps, known });
    if (meta.map !== undefined) known.learn(meta.map);
    const node = new ClusterNode(deps, meta, known, formation);
    node.#refuseOtherSettings();
    return node;
  }

  get nodeId(): string {
    return this.#deps.options.nodeId;
  }

  /** Only a member votes and serves. */
  get standing(): Standing['kind'] {
    return this.#formation.standing.kind;
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
    this.#formation.onMember((record, how) => this.#becomeMember(record, how === 'founded'));
    this.#running = startParts(connections, this.#view());
    this.#meta.onChange((map) => {
      this.#known.learn(map);
      this.#follow(map, true);
    });
    this.#known.onChange((map) => this.#learn(map));
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
    const { exchange, balancer, duties, maps } = running;
    await Promise.all([exchange.stop(), balancer.stop(), duties.stop(), maps.stop()]);
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
    const meta = this.reports.groupState(META_GROUP);
    return meta?.isLeader === true && meta.raft.applied === meta.raft.lastIndex;
  }

  /** Whether a shard that is led here has room for an entry; asked before every proposal. */
  roomFor(shard: number, demand: Demand): RoomVerdict {
    const replicas = this.#meta.map?.shards[shard]?.replicas ?? [];
    const own = this.#deps.disk().state;
    const states = replicas.map(({ nodeId }) =>
      nodeId === this.nodeId ? own : (this.#running?.exchange.diskOf(nodeId) ?? 'ok'),
    );
    const verdict = judgeRoom(demand, own, states);
    // Another leader would not help: whatever is committed is applied here too.
    return verdict === 'ok' && demand === 'take' && this.#deps.memory().isShort ? 'noMemory' : verdict;
  }

  /**
   * The default collection; made with this dimension when there is none, which only a cluster of one can lack. Throws
   * SHARD_UNAVAILABLE when that cannot be decided here and now.
   */
  async ensureCollection(dimension: number): Promise<CollectionSchema> {
    const existing = this.collection();
    if (existing !== undefined) return existing;
    const map = this.map();
    if (map === undefined) throw this.reports.notAMember();
    const { metric, m } = map.settings;
    const schema = {
      id: DEFAULT_COLLECTION_ID,
      name: 'default',
      dimension,
      metric,
      m,
      ...NO_PAYLOAD_INDEXES,
    };
    const { leader } = present(this.#running, 'the running part of the node');
    const result = await leader.propose({ kind: 'createCollection', schema }).catch(asUnavailable);
    // The change is followed from the moment it is applied here: its index exists when that has settled.
    await this.#running?.replicas.settled();
    if (result.kind === 'collection') return result.schema;
    throw new GrapeError('SHARD_UNAVAILABLE', 'the collection could not be created now');
  }

  /**
   * Lets a member that has lost its store, or must not go on with it, come back with a new one. Answers what it is now.
   * Throws NOT_A_MEMBER, UNSUPPORTED for a node that is no member, and SHARD_UNAVAILABLE.
   */
  async join(nodeId: string): Promise<string> {
    if (this.map() === undefined) throw this.reports.notAMember();
    await present(this.#running, 'the running part of the node').permissions.permit(nodeId);
    const { nodes } = this.reports.nodes();
    return nodes.find((node) => node.node_id === nodeId)?.state === 'healthy' ? 'healthy' : 'joining';
  }

  /**
   * The indexes of the collection after the change, which this node may not have seen yet. Throws NOT_A_MEMBER, INDEX_CONFLICT when the
   * map does not allow it, SHARD_UNAVAILABLE when it was not confirmed in time: then it may happen later.
   */
  async changeIndex(change: IndexChange, deadlineMs: number): Promise<CollectionSchema> {
    if (this.map() === undefined) throw this.reports.notAMember();
    const { indexChanges } = present(this.#running, 'the running part of the node');
    const result = await indexChanges.change(change, deadlineMs);
    if (result.kind === 'collection') return result.schema;
    throw new GrapeError(
      'INDEX_CONFLICT',
      result.kind === 'refused' ? result.message : 'the index was not changed',
    );
  }

  /** Node id of the leader of `meta`, as far as this node knows. */
  leader(): string | undefined {
    return this.reports.groupState(META_GROUP)?.leaderNode;
  }

  #view(): NodeView {
    return {
      deps: this.#deps,
      meta: this.#meta,
      known: this.#known,
      stopping: this.#stopping.signal,
      isStopping: () => this.#isStopping,
      standing: () => this.#formation.standing,
      map: () => this.map(),
      leader: () => this.leader(),
      picture: () => this.#picture(),
      members: () => this.#members(),
      refusal: (peer) => this.refusal(peer, 'cluster'),
      leadMeta: () => this.#leadMeta(),
      tidyUp: () => this.#tidyUp(),
    };
  }

  #becomeMember(record: FormationRecord, isNew: boolean): void {
    const running = present(this.#running, 'the running part of the node');
    this.#isMemberSinceMs = this.#deps.clock.nowMs();
    this.#connect();
    const { exchange, balancer, duties, maps } = running;
    for (const part of [exchange, balancer, duties, maps]) part.start();
    this.#startMeta(record, isNew).catch((error: unknown) => this.#deps.onFatal(asError(error)));
    if (this.#meta.map !== undefined) this.#follow(this.#meta.map, false);
  }

  /** In a new cluster the first founder campaigns at once, but not before a majority can hear it. */
  async #startMeta(record: FormationRecord, isNew: boolean): Promise<void> {
    const { replicas, peers, groups } = present(this.#running, 'the running part of the node');
    const campaigns = isNew && record.founders[0]?.nodeId === this.nodeId;
    if (campaigns && record.founders.length > 1) await this.#majorityConnected(peers);
    await this.#meta.recover(groups.generation(META_GROUP));
    const founders = record.founders.map(({ nodeId }) => nodeId);
    await replicas.placeMeta(this.#known.map?.meta ?? placeMeta(founders), {
      campaigns: founders.length === 1 || campaigns,
    });
    this.#metaIsPlaced = true;
  }

  /** Whom this node talks to, and where the replicas of its groups are, follow the newest map; the rest what is applied. */
  #learn(map: ClusterMap): void {
    const { replicas } = present(this.#running, 'the running part of the node');
    const self = map.members.find(({ nodeId }) => nodeId === this.nodeId);
    if (self !== undefined && self.storeUuid !== this.#deps.directory.identity.storeUuid) {
      this.#deps.onForgotten(`the cluster has admitted store ${self.storeUuid} in its place`);
      return;
    }
    this.#connect();
    replicas.setNodes(map);
    if (!this.#metaIsPlaced) return;
    replicas
      .placeMeta(map.meta, { campaigns: false })
      .catch((error: unknown) => this.#deps.onFatal(asError(error)));
  }

  async #majorityConnected(peers: Peers): Promise<void> {
    const { clock } = this.#deps;
    const untilMs = clock.nowMs() + FIRST_CONNECTIONS_MS;
    const needed = Math.floor(this.#members().length / 2);
    while (clock.nowMs() < untilMs && !this.#isStopping) {
      if (this.#otherMembers().filter(({ nodeId }) => peers.isConnected(nodeId)).length >= needed) return;
      await pause(clock, CONNECTION_CHECK_MS);
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

  /** What was set aside of a former store is not needed any more when this one has everything again. */
  async #tidyUp(): Promise<void> {
    const { standing } = this.#formation;
    const picture = this.#picture();
    if (this.#isTidy || standing.kind !== 'member' || picture === undefined) return;
    const self = picture.map.members.find(({ nodeId }) => nodeId === this.nodeId);
    if (self === undefined || nodeStateOf(picture, self) !== 'healthy') return;
    this.#isTidy = true;
    await this.#deps.directory.removeSetAside();
  }

  async #leadMeta(): Promise<void> {
    const { standing } = this.#formation;
    const running = this.#running;
    if (standing.kind !== 'member' || running?.leader.isLeader !== true) return;
    const { record } = standing;
    const heard = running.exchange.heard();
    await running.leader.lead({ record, map: this.#meta.map, heard, picture: this.#picture() });
  }

  #picture(): ClusterPicture | undefined {
    const map = this.map();
    if (map === undefined || this.#running === undefined || this.#isMemberSinceMs === undefined)
      return undefined;
    const listeningMs = this.#deps.clock.nowMs() - this.#isMemberSinceMs;
    return { map, heard: this.#running.exchange.heard(), listeningMs };
  }

  #members(): readonly Member[] {
    const { standing } = this.#formation;
    if (standing.kind !== 'member') return [];
    return this.#known.map?.members ?? standing.record.founders;
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

function asUnavailable(error: unknown): never {
  if (!(error instanceof NotLeaderError)) throw error;
  throw new GrapeError(
    'SHARD_UNAVAILABLE',
    `the collection is created by the leader of meta: ${error.message}`,
  );
}
