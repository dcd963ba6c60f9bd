import type { Socket } from 'node:net';
import { asError } from '../../base/index.ts';
import { FRAME_BYTES_MAX, FrameReader, frameHeader, HANDSHAKE_FRAME_BYTES_MAX } from './frame.ts';

export interface Frame {
  readonly type: number;
  readonly body: Buffer;
}

export interface TrafficMetrics {
  sent(bytes: number): void;
  received(bytes: number): void;
}

/** Frames that wait while a handshake looks at the one before. */
const QUEUED_FRAMES_MAX = 8;
/** What was sent before a close has so long to leave. */
export const LINGER_MS = 1000;

/** A socket that speaks frames: asked for one by one during the handshake, then streamed. */
export class FrameSocket {
  /** Host and port of the other side. */
  readonly address: string;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #metrics: TrafficMetrics | undefined;
  readonly #queue: Frame[] = [];
  #waiting: { readonly resolve: (frame: Frame) => void; readonly reject: (error: Error) => void } | undefined;
  #listener: ((type: number, body: Buffer) => void) | undefined;
  #closeListener: ((reason: Error) => void) | undefined;
  #closed: Error | undefined;
  /** The socket is corked until `#release`. */
  #isGathering = false;

  /** `first` are bytes that were read before. */
  constructor(
    socket: Socket,
    o: { readonly first?: Buffer; readonly metrics?: TrafficMetrics | undefined } = {},
  ) {
    this.#socket = socket;
    this.#metrics = o.metrics;
    this.address = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    this.#reader = new FrameReader(HANDSHAKE_FRAME_BYTES_MAX, (type, body) => this.#onFrame(type, body));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.close(error));
    socket.on('close', () => this.close(new Error('the peer closed the connection')));
    if (o.first !== undefined && o.first.length > 0) this.#onData(o.first);
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Bytes that the other side has not taken yet. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  /** One write, together with what `sendSoon` gathered; nothing happens on a closed socket. */
  send(type: number, body: Buffer): void {
    this.#gather(type, body);
    this.#release();
  }

  /**
   * Leaves with everything else that comes up before the event loop looks for new input again: a system call for each of
   * many small requests and answers would cost more than their content.
   */
  sendSoon(type: number, body: Buffer): void {
    if (!this.#isGathering) setImmediate(() => this.#release());
    this.#gather(type, body);
  }

  #gather(type: number, body: Buffer): void {
    if (this.#closed !== undefined) return;
    if (!this.#isGathering) this.#socket.cork();
    this.#isGathering = true;
    const header = frameHeader(type, body);
    this.#socket.write(header);
    if (body.length > 0) this.#socket.write(body);
    this.#metrics?.sent(header.length + body.length);
  }

  #release(): void {
    if (!this.#isGathering) return;
    this.#isGathering = false;
    this.#socket.uncork();
  }

  /** The next frame; rejects when the connection closes. */
  next(): Promise<Frame> {
    const queued = this.#queue.shift();
    if (queued !== undefined) return Promise.resolve(queued);
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    this.#waiting = { resolve, reject };
    return promise;
  }

  /** The handshake is over: frames of full size, each to `listener`, and the end of the connection to `onClose`, once. */
  stream(listener: (type: number, body: Buffer) => void, onClose: (reason: Error) => void): void {
    this.#reader.bytesMax = FRAME_BYTES_MAX;
    this.#listener = listener;
    this.#closeListener = onClose;
    for (const frame of this.#queue.splice(0)) listener(frame.type, frame.body);
    if (this.#closed !== undefined) onClose(this.#closed);
  }

  /** What was sent before still leaves, if the other side reads it soon. */
  close(reason: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#release();
    this.#socket.setTimeout(LINGER_MS, () => this.#socket.destroy());
    this.#socket.destroySoon();
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
    this.#closeListener?.(reason);
  }

  #onData(chunk: Buffer): void {
    if (this.#closed !== undefined) return;
    this.#metrics?.received(chunk.length);
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.close(asError(error));
    }
  }

  #onFrame(type: number, body: Buffer): void {
    if (this.#closed !== undefined) return;
    if (this.#listener !== undefined) {
      this.#listener(type, body);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting.resolve({ type, body });
    else if (this.#queue.push({ type, body }) > QUEUED_FRAMES_MAX)
      this.close(new Error('too much before the handshake'));
  }
}
