import {
  asError,
  ByteReader,
  ByteWriter,
  type Clock,
  GrapeError,
  NotLeaderError,
  type Timer,
} from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { GroupMessage } from '../types.ts';
import { decodeError, encodeError, PeerUnavailableError, RemoteError } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';
import { FRAME, FRAME_BYTES_MAX } from './frame.ts';
import { HandshakeError } from './handshake.ts';
import type { Hello, Purpose } from './hello.ts';
import { decodeMessages } from './message-codec.ts';

/** Requests of one connection that wait for their answer, in either direction. */
const REQUESTS_IN_FLIGHT_MAX = 1024;
/** Raft messages are dropped while the other side is this far behind; they are sent again when it is needed. */
const RAFT_BACKLOG_BYTES_MAX = 8 * 2 ** 20;
/** Requests are refused while the other side is this far behind. */
const REQUEST_BACKLOG_BYTES_MAX = 64 * 2 ** 20;
/** Requests from here on are those of the service: only members may send them. */
const SERVICE_KIND_MIN = 32;

const PING_PERIOD_MS = 1000;
/** A connection on which nothing came in for so long is half open. */
const SILENCE_MS_MAX = 4000;
const RESPONSE_OK = 0;
const RESPONSE_ERROR = 1;

export type RequestHandler = (from: Hello, body: Buffer) => Promise<Buffer>;

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly handlerOf: (kind: number) => RequestHandler | undefined;
  /** `sequence`: of the last write batch that the peer had synced. */
  readonly onRaft: (from: Hello, messages: readonly GroupMessage[], sequence: number) => void;
  /** The peer has seen this node's store newer than it is. */
  readonly onForgotten: (by: Hello, reason: string) => void;
}

interface InFlight {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/** A connection after its handshake: Raft messages, requests and answers, and a look whether it is still alive. */
export class PeerConnection {
  readonly peer: Hello;
  readonly purpose: Purpose;
  /** Resolves with the reason when the connection has ended. */
  readonly ended: Promise<Error>;
  readonly #frames: FrameSocket;
  readonly #deps: ConnectionDeps;
  readonly #requests = new Map<number, InFlight>();
  readonly #timer: Timer;
  #nextRequest = 1;
  #handling = 0;
  #heardMs: number;

  constructor(
    frames: FrameSocket,
    identity: { readonly peer: Hello; readonly purpose: Purpose },
    deps: ConnectionDeps,
  ) {
    this.peer = identity.peer;
    this.purpose = identity.purpose;
    this.#frames = frames;
    this.#deps = deps;
    this.#heardMs = deps.clock.nowMs();
    this.#timer = deps.clock.every(PING_PERIOD_MS, () => this.#ping());
    this.ended = new Promise((resolve) => {
      const onClose = (reason: Error): void => {
        this.#onClose(reason);
        resolve(reason);
      };
      frames.stream((type, body) => this.#onFrame(type, body), onClose);
    });
  }

  get address(): string {
    return this.#frames.address;
  }

  /** Bytes that wait for the peer to take them. */
  get backlogBytes(): number {
    return this.#frames.backlogBytes;
  }

  /** All bodies or, answering false, none. */
  sendRaft(bodies: readonly Buffer[]): boolean {
    if (this.#frames.isClosed || this.#frames.backlogBytes > RAFT_BACKLOG_BYTES_MAX) return false;
    for (const body of bodies) this.#frames.send(FRAME.raft, body);
    return true;
  }

  /** Rejects with `PeerUnavailableError`, `RemoteError` or `NotLeaderError`. */
  request(kind: number, body: Buffer, timeoutMs: number): Promise<Buffer> {
    const refusal = this.#refusalFor(body);
    if (refusal !== undefined) return Promise.reject(new PeerUnavailableError(refusal, false));
    const id = this.#nextRequest;
    this.#nextRequest = (id % 0xffff_ffff) + 1;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = this.#deps.clock.after(timeoutMs, () => {
      this.#requests.delete(id);
      reject(new PeerUnavailableError(`${this.peer.nodeId} did not answer within ${timeoutMs} ms`, true));
    });
    this.#requests.set(id, { resolve, reject, timer });
    this.#frames.sendSoon(FRAME.request, new ByteWriter(5 + body.length).u32(id).u8(kind).raw(body).finish());
    return promise;
  }

  close(reason: Error): void {
    this.#frames.close(reason);
  }

  /** Tells the other side why, then closes. */
  refuse(reason: string): void {
    this.#frames.send(FRAME.refused, Buffer.from(reason));
    this.close(new Error(reason));
  }

  /** Tells the other side that its store has forgotten what this node has seen of it, then closes. */
  tellForgotten(reason: string): void {
    this.#frames.send(FRAME.forgotten, Buffer.from(reason));
    this.close(new HandshakeError(reason));
  }

  #refusalFor(body: Buffer): string | undefined {
    if (this.#frames.isClosed) return `the connection to ${this.peer.nodeId} is closed`;
    if (this.#requests.size >= REQUESTS_IN_FLIGHT_MAX)
      return `too many requests to ${this.peer.nodeId} are under way`;
    if (this.#frames.backlogBytes > REQUEST_BACKLOG_BYTES_MAX)
      return `${this.peer.nodeId} does not read its requests`;
    return body.length + 5 > FRAME_BYTES_MAX ? `a request of ${body.length} bytes is too large` : undefined;
  }

  #onFrame(type: number, body: Buffer): void {
    this.#heardMs = this.#deps.clock.nowMs();
    try {
      this.#handle(type, body);
    } catch (error) {
      this.close(asError(error));
    }
  }

  #handle(type: number, body: Buffer): void {
    switch (type) {
      case FRAME.raft:
        if (this.purpose !== 'cluster') throw new Error('Raft messages on a connection that is not for them');
        this.#onRaft(body);
        return;
      case FRAME.request:
        this.#onRequest(new ByteReader(body));
        return;
      case FRAME.response:
        this.#onResponse(new ByteReader(body));
        return;
      case FRAME.ping:
        this.#frames.send(FRAME.pong, NOTHING);
        return;
      case FRAME.pong:
        return;
      case FRAME.forgotten:
        this.#deps.onForgotten(this.peer, body.toString('utf8'));
        throw new HandshakeError(`the peer has seen this store newer: ${body.toString('utf8')}`);
      case FRAME.refused:
        throw new HandshakeError(`the peer refused: ${body.toString('utf8')}`);
      default:
        throw new Error(`a frame of unknown type ${type}`);
    }
  }

  #onRaft(body: Buffer): void {
    const { sequence, messages } = decodeMessages(body);
    this.#deps.onRaft(this.peer, messages, sequence);
  }

  #onRequest(reader: ByteReader): void {
    const id = reader.u32();
    const kind = reader.u8();
    void this.#answer({ id, kind, body: reader.raw(reader.remaining) });
  }

  async #answer({ id, kind, body }: { id: number; kind: number; body: Buffer }): Promise<void> {
    let status = RESPONSE_OK;
    let answer: Buffer;
    try {
      answer = await this.#callHandler(kind, body);
      if (answer.length + 5 > FRAME_BYTES_MAX)
        throw new GrapeError('PAYLOAD_TOO_LARGE', 'the answer is too large');
    } catch (error) {
      if (!(error instanceof GrapeError || error instanceof NotLeaderError || error instanceof RemoteError)) {
        this.#deps.logger.error('a request of a peer failed', {
          kind,
          peer: this.peer.nodeId,
          error: asError(error).stack,
        });
      }
      status = RESPONSE_ERROR;
      answer = encodeError(error);
    }
    this.#frames.sendSoon(
      FRAME.response,
      new ByteWriter(5 + answer.length).u32(id).u8(status).raw(answer).finish(),
    );
    // It goes on asking, so it is not silent; what it does not take would fill the memory of this node.
    if (this.#frames.backlogBytes > REQUEST_BACKLOG_BYTES_MAX)
      this.close(new Error('the peer does not read its answers'));
  }

  async #callHandler(kind: number, body: Buffer): Promise<Buffer> {
    if (kind >= SERVICE_KIND_MIN && this.purpose === 'forming') {
      throw new GrapeError('NOT_A_MEMBER', 'only members may send this request');
    }
    const handler = this.#deps.handlerOf(kind);
    if (handler === undefined)
      throw new GrapeError('UNSUPPORTED', `requests of kind ${kind} are not known here`);
    if (this.#handling >= REQUESTS_IN_FLIGHT_MAX) {
      throw new GrapeError('TOO_MANY_REQUESTS', 'too many requests of this peer are under way');
    }
    this.#handling += 1;
    try {
      return await handler(this.peer, body);
    } finally {
      this.#handling -= 1;
    }
  }

  #onResponse(reader: ByteReader): void {
    const id = reader.u32();
    const status = reader.u8();
    const waiting = this.#requests.get(id);
    // An answer that came after its deadline.
    if (waiting === undefined) return;
    this.#requests.delete(id);
    waiting.timer.cancel();
    const body = reader.raw(reader.remaining);
    if (status === RESPONSE_OK) waiting.resolve(body);
    else waiting.reject(decodeError(body));
  }

  #ping(): void {
    this.#frames.send(FRAME.ping, NOTHING);
    if (!this.#isSilent) return;
    // After a pause of this process the timers run before the sockets: what came in meanwhile counts.
    setImmediate(() => {
      if (this.#isSilent) this.close(new Error('the peer has fallen silent'));
    });
  }

  get #isSilent(): boolean {
    return this.#deps.clock.nowMs() - this.#heardMs > SILENCE_MS_MAX;
  }

  #onClose(reason: Error): void {
    this.#timer.cancel();
    for (const { reject, timer } of this.#requests.values()) {
      timer.cancel();
      reject(
        new PeerUnavailableError(`the connection to ${this.peer.nodeId} broke: ${reason.message}`, true),
      );
    }
    this.#requests.clear();
  }
}

const NOTHING = Buffer.alloc(0);
