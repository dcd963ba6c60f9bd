import type { Socket } from 'node:net';
import { asError, type Clock, present, type Random, systemRandom } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { GroupMessage, RaftLink } from '../types.ts';
import { PeerUnavailableError } from './errors.ts';
import type { FrameSocket, TrafficMetrics } from './frame-socket.ts';
import { FRAME_BYTES_MAX } from './frame.ts';
import { greetAsClient, HandshakeError } from './handshake.ts';
import type { Hello, Purpose } from './hello.ts';
import { Incarnations, type StoreMemory, VolatileMemory } from './incarnations.ts';
import { encodedBytes, encodeMessages } from './message-codec.ts';
import { PeerConnection, type RequestHandler } from './peer-connection.ts';
import { dial, HANDSHAKE_MS_MAX, type PeerAddress, PeerLink } from './peer-link.ts';
import { PeerListener } from './peer-listener.ts';
import { RefusalLog } from './refusal-log.ts';

/** Connections from peers, established. */
const INBOUND_MAX = 1024;
/** Messages of one frame; the rest goes into the next one. */
const RAFT_FRAME_BYTES = FRAME_BYTES_MAX / 2;
const RAFT_FRAME_MESSAGES = 4096;

export interface PeerTransportDeps {
  readonly host: string;
  readonly port: number;
  /** Asked for every connection. */
  readonly hello: () => Hello;
  /** What was seen of the stores of others; by default only as long as the process lives. */
  readonly memory?: StoreMemory;
  /** A peer has seen this node's store newer than it is: it must not go on with it. */
  readonly onForgotten?: (reason: string) => void;
  /** Newest first; every one of them is accepted. */
  readonly tokens: () => readonly string[];
  /** Why a peer that knows the token is not wanted; undefined when it is. Asked on both sides. */
  readonly authorize: (peer: Hello, purpose: 'cluster' | 'forming') => string | undefined;
  /** Gets connections that speak HTTP, with every byte still in them; closed with the transport. */
  readonly http: (socket: Socket) => void;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Jitters reconnecting. */
  readonly random?: Random;
  readonly metrics?: TrafficMetrics;
}

interface Peer {
  readonly link: PeerLink;
  connection: PeerConnection | undefined;
  /** For bulk data; made when it is first needed. */
  bulk: Promise<PeerConnection> | undefined;
}

/**
 * The connections between nodes. Every node keeps one connection to each peer, over which its own Raft messages and
 * requests go and their answers come back; what the peer sends comes in over the connection that the peer keeps.
 */
export class PeerTransport implements RaftLink {
  readonly #deps: PeerTransportDeps;
  readonly #random: Random;
  readonly #refusals: RefusalLog;
  readonly #incarnations: Incarnations;
  readonly #peers = new Map<string, Peer>();
  /** Connections that peers made. */
  readonly #inbound = new Set<PeerConnection>();
  /** By node: the one of them over which its Raft messages come. */
  readonly #members = new Map<string, PeerConnection>();
  readonly #handlers = new Map<number, RequestHandler>();
  #listener: PeerListener | undefined;
  #onRaft: ((fromNode: string, messages: readonly GroupMessage[]) => void) | undefined;
  #isClosed = false;

  private constructor(deps: PeerTransportDeps) {
    this.#deps = deps;
    this.#random = deps.random ?? systemRandom();
    this.#incarnations = new Incarnations(deps.memory ?? new VolatileMemory());
    this.#refusals = new RefusalLog(deps.logger, deps.clock);
  }

  /** Rejects when the address cannot be bound. */
  static async listen(deps: PeerTransportDeps): Promise<PeerTransport> {
    const transport = new PeerTransport(deps);
    const { host, port, hello, tokens, http, logger, clock, metrics } = deps;
    transport.#listener = await PeerListener.listen(
      {
        hello,
        tokens,
        http,
        logger,
        clock,
        metrics,
        refusals: transport.#refusals,
        accept: (peer, purpose) => transport.#refusalOf(peer, purpose),
        onPeer: (frames, identity) => transport.#onInbound(frames, identity),
      },
      { host, port },
    );
    return transport;
  }

  /** The port that is bound; another one than asked for when that was 0. */
  get port(): number {
    return present(this.#listener, 'the listener').port;
  }

  /** Connects to these, and to no others, from now on. The own node id is passed over. */
  setPeers(peers: ReadonlyMap<string, PeerAddress>): void {
    for (const [nodeId, peer] of this.#peers) {
      const address = peers.get(nodeId);
      const isSame = address?.host === peer.link.address.host && address.port === peer.link.address.port;
      if (!isSame) this.#drop(nodeId, peer);
    }
    const ownId = this.#deps.hello().nodeId;
    for (const [nodeId, address] of peers) {
      if (nodeId !== ownId && !this.#peers.has(nodeId) && !this.#isClosed) this.#connect(nodeId, address);
    }
    for (const connection of this.#inbound) {
      const reason = this.#objectionTo(connection.peer, connection.purpose);
      if (reason !== undefined) connection.refuse(reason);
    }
  }

  isConnected(nodeId: string): boolean {
    return this.#peers.get(nodeId)?.connection !== undefined;
  }

  /** Bytes that wait for a node to take them, over all connections with it. */
  backlogBytes(nodeId: string): number {
    const inbound = [...this.#inbound].filter(({ peer }) => peer.nodeId === nodeId);
    const connections = [this.#peers.get(nodeId)?.connection, ...inbound];
    return connections.reduce((sum, connection) => sum + (connection?.backlogBytes ?? 0), 0);
  }

  /** The nodes that this one connects to. */
  get peers(): readonly string[] {
    return [...this.#peers.keys()];
  }

  /**
   * `kind` is 16 to 255; kinds from `SERVICE_KIND_MIN` on are served to members only. Rejects with
   * `PeerUnavailableError`, with `RemoteError` when the handler failed, or with `NotLeaderError` when it said so.
   */
  request(nodeId: string, kind: number, body: Buffer, timeoutMs: number): Promise<Buffer> {
    const connection = this.#peers.get(nodeId)?.connection;
    if (connection !== undefined) return connection.request(kind, body, timeoutMs);
    return Promise.reject(new PeerUnavailableError(`${nodeId} is not connected`, false));
  }

  /** As `request`, over a second connection, which is closed with the first one. */
  async requestBulk(nodeId: string, kind: number, body: Buffer, timeoutMs: number): Promise<Buffer> {
    const peer = this.#peers.get(nodeId);
    if (peer?.connection === undefined) throw new PeerUnavailableError(`${nodeId} is not connected`, false);
    peer.bulk ??= this.#connectBulk(nodeId, peer);
    const connection = await peer.bulk;
    return connection.request(kind, body, timeoutMs);
  }

  /** One request to an address, over a connection of its own, before membership is known (purpose `forming`). */
  async requestAddress(
    address: PeerAddress,
    kind: number,
    body: Buffer,
    timeoutMs: number,
  ): Promise<{ peer: Hello; body: Buffer }> {
    const deadlineMs = this.#deps.clock.nowMs() + timeoutMs;
    const connection = await this.#dial(address, { purpose: 'forming', timeoutMs }).catch(
      (error: unknown) => {
        throw new PeerUnavailableError(`${address.host}:${address.port}: ${asError(error).message}`, false);
      },
    );
    try {
      const leftMs = Math.max(deadlineMs - this.#deps.clock.nowMs(), 1);
      return { peer: connection.peer, body: await connection.request(kind, body, leftMs) };
    } finally {
      connection.close(new Error('the request is done'));
    }
  }

  /** One handler a kind. A `GrapeError` or `NotLeaderError` that it throws reaches the caller; others become INTERNAL. */
  handle(kind: number, handler: RequestHandler): void {
    this.#handlers.set(kind, handler);
  }

  sendRaft(nodeId: string, messages: readonly GroupMessage[]): boolean {
    const connection = this.#peers.get(nodeId)?.connection;
    if (connection === undefined) return false;
    const { sequence } = this.#deps.hello();
    return connection.sendRaft(inFrames(messages).map((frame) => encodeMessages(frame, sequence)));
  }

  onRaft(listener: (fromNode: string, messages: readonly GroupMessage[]) => void): void {
    this.#onRaft = listener;
  }

  /** Ends every connection; resolves when the port is free. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [nodeId, peer] of this.#peers) this.#drop(nodeId, peer);
    for (const connection of this.#inbound) connection.close(new Error('the node stops'));
    await this.#listener?.close();
  }

  #connect(nodeId: string, address: PeerAddress): void {
    const link = new PeerLink({
      address,
      clock: this.#deps.clock,
      random: this.#random,
      attempt: () => this.#establish(nodeId, address),
      onFailure: (error) => this.#onDialFailure(nodeId, address, error),
    });
    this.#peers.set(nodeId, { link, connection: undefined, bulk: undefined });
  }

  async #establish(nodeId: string, address: PeerAddress): Promise<PeerConnection> {
    const connection = await this.#dial(address, { purpose: 'cluster', timeoutMs: HANDSHAKE_MS_MAX, nodeId });
    const peer = this.#peers.get(nodeId);
    if (peer?.link.address !== address) {
      connection.close(new Error('the peer has another address now'));
      return connection;
    }
    peer.connection = connection;
    this.#refusals.forget(nodeId);
    this.#deps.logger.info('connected to a peer', { peer: nodeId, address: connection.address });
    void connection.ended.then((reason) => {
      if (peer.connection === connection) peer.connection = undefined;
      if (!this.#isClosed) this.#deps.logger.warn('lost a peer', { peer: nodeId, reason: reason.message });
    });
    return connection;
  }

  async #connectBulk(nodeId: string, peer: Peer): Promise<PeerConnection> {
    const { address } = peer.link;
    const forget = (): void => {
      peer.bulk = undefined;
    };
    try {
      const o = { purpose: 'snapshot', timeoutMs: HANDSHAKE_MS_MAX, nodeId } as const;
      const connection = await this.#dial(address, o);
      void connection.ended.then(forget);
      if (peer.connection === undefined) connection.close(new Error('the peer is gone'));
      else void peer.connection.ended.then((reason) => connection.close(reason));
      return connection;
    } catch (error) {
      forget();
      const reason = asError(error).message;
      throw new PeerUnavailableError(`no connection for bulk data to ${nodeId}: ${reason}`, false);
    }
  }

  #dial(
    address: PeerAddress,
    o: { readonly purpose: Purpose; readonly timeoutMs: number; readonly nodeId?: string },
  ): Promise<PeerConnection> {
    const { clock, metrics, hello, tokens } = this.#deps;
    const accept = (peer: Hello): string | undefined =>
      o.nodeId !== undefined && peer.nodeId !== o.nodeId
        ? `${peer.nodeId} answers where ${o.nodeId} was expected`
        : this.#refusalOf(peer, o.purpose);
    return dial({ address, clock, timeoutMs: o.timeoutMs, metrics }, async (frames) => {
      const peer = await greetAsClient(frames, {
        purpose: o.purpose,
        hello: hello(),
        tokens: tokens(),
        accept,
      });
      const connection = this.#connectionOf(frames, { peer, purpose: o.purpose });
      const loss = this.#meet(connection);
      if (loss !== undefined) throw new HandshakeError(loss);
      return connection;
    });
  }

  #onInbound(frames: FrameSocket, identity: { readonly peer: Hello; readonly purpose: Purpose }): void {
    const { peer, purpose } = identity;
    const connection = this.#connectionOf(frames, identity);
    this.#inbound.add(connection);
    void connection.ended.then((reason) => this.#onInboundEnded(connection, reason));
    if (this.#isClosed) connection.close(new Error('the node stops'));
    const loss = this.#meet(connection);
    if (loss !== undefined) this.#noteLoss(connection, loss);
    if (purpose !== 'cluster' || loss !== undefined) return;
    // The peer has connected anew: whatever still comes over the former connection is older.
    this.#members.get(peer.nodeId)?.close(new Error('a newer connection of the peer took its place'));
    this.#members.set(peer.nodeId, connection);
  }

  /** Remembers the start of the peer's store; answers what it has forgotten, after telling it so. */
  #meet(connection: PeerConnection): string | undefined {
    const { peer, purpose } = connection;
    // Before it is known to belong to the cluster nothing that it says about itself counts.
    if (purpose === 'forming') return undefined;
    const loss = this.#incarnations.lossOf(peer);
    if (loss === undefined) this.#incarnations.remember(peer);
    else connection.tellForgotten(loss);
    return loss;
  }

  #noteLoss({ peer, address }: PeerConnection, reason: string): void {
    const fields = { peer: peer.nodeId, address };
    this.#refusals.warn('the store of a peer has forgotten', { who: peer.nodeId, reason, fields });
  }

  #onInboundEnded(connection: PeerConnection, reason: Error): void {
    this.#inbound.delete(connection);
    const { nodeId } = connection.peer;
    if (this.#members.get(nodeId) === connection) this.#members.delete(nodeId);
    if (!(reason instanceof HandshakeError)) return;
    // The peer looked at this node last and did not want it.
    const fields = { peer: nodeId, address: connection.address };
    this.#refusals.warn('a peer ended its connection', { who: nodeId, reason: reason.message, fields });
  }

  #connectionOf(
    frames: FrameSocket,
    identity: { readonly peer: Hello; readonly purpose: Purpose },
  ): PeerConnection {
    return new PeerConnection(frames, identity, {
      clock: this.#deps.clock,
      logger: this.#deps.logger,
      handlerOf: (kind) => this.#handlers.get(kind),
      onRaft: (from, messages, sequence) => {
        this.#incarnations.advanced(from, sequence);
        this.#onRaft?.(from.nodeId, messages);
      },
      onForgotten: (by, reason) => this.#deps.onForgotten?.(`${by.nodeId}: ${reason}`),
    });
  }

  #refusalOf(peer: Hello, purpose: Purpose): string | undefined {
    return this.#inbound.size >= INBOUND_MAX ? 'too many connections' : this.#objectionTo(peer, purpose);
  }

  /** Why a peer is not wanted, however few there are. */
  #objectionTo(peer: Hello, purpose: Purpose): string | undefined {
    if (purpose !== 'forming') {
      // A store that was copied: the process that is here goes first, whichever of them is the copy.
      const live = this.#members.get(peer.nodeId)?.peer;
      if (live?.storeUuid === peer.storeUuid && live.bootNonce !== peer.bootNonce)
        return `start ${live.incarnation} of its store is still connected`;
      const { clusterId } = this.#deps.hello();
      if (clusterId === undefined) return 'this node belongs to no cluster yet';
      if (peer.clusterId !== clusterId)
        return `it belongs to ${peer.clusterId ?? 'no cluster'}, not to ${clusterId}`;
    }
    return this.#deps.authorize(peer, purpose === 'forming' ? 'forming' : 'cluster');
  }

  #onDialFailure(nodeId: string, address: PeerAddress, error: Error): void {
    const fields = { peer: nodeId, address: `${address.host}:${address.port}` };
    this.#refusals.warn('cannot connect to a peer', { who: nodeId, reason: error.message, fields });
  }

  #drop(nodeId: string, peer: Peer): void {
    peer.link.stop();
    this.#peers.delete(nodeId);
    peer.connection?.close(new Error('the peer is not wanted any more'));
  }
}

/** `messages`, in order, in as few frames as their size allows. */
function inFrames(messages: readonly GroupMessage[]): (readonly GroupMessage[])[] {
  const frames: GroupMessage[][] = [];
  let frame: GroupMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const more = encodedBytes(message.message);
    if (frame.length > 0 && (bytes + more > RAFT_FRAME_BYTES || frame.length >= RAFT_FRAME_MESSAGES)) {
      frames.push(frame);
      frame = [];
      bytes = 0;
    }
    frame.push(message);
    bytes += more;
  }
  if (frame.length > 0) frames.push(frame);
  return frames;
}
