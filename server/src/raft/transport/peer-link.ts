import { connect, type Socket } from 'node:net';
import { asError, type Clock, type Random, type Timer } from '../../base/index.ts';
import { FrameSocket, type TrafficMetrics } from './frame-socket.ts';
import { PREFACE } from './sniff.ts';

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** From the first packet to the end of the handshake. */
export const HANDSHAKE_MS_MAX = 5000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;

/** Connects and runs `handshake`; rejects when either takes longer than `timeoutMs` together. */
export async function dial<T>(
  o: { address: PeerAddress; clock: Clock; timeoutMs: number; metrics: TrafficMetrics | undefined },
  handshake: (frames: FrameSocket) => Promise<T>,
): Promise<T> {
  const { host, port } = o.address;
  const socket = connect({ host, port, keepAlive: true });
  const timer = o.clock.after(o.timeoutMs, () =>
    socket.destroy(new Error(`no answer within ${o.timeoutMs} ms`)),
  );
  try {
    await connected(socket);
    const frames = new FrameSocket(socket, { metrics: o.metrics });
    socket.write(PREFACE);
    return await handshake(frames);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    timer.cancel();
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(error);
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.removeListener('error', onError);
      resolve();
    });
  });
}

/**
 * Keeps a connection to one peer: attempts again and again, with a growing, jittered pause, for as long as it takes; the
 * name may not resolve yet, the peer may not run yet.
 */
export class PeerLink {
  readonly address: PeerAddress;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #attempt: () => Promise<{ readonly ended: Promise<Error> }>;
  readonly #onFailure: (error: Error) => void;
  #failures = 0;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(o: {
    readonly address: PeerAddress;
    readonly clock: Clock;
    readonly random: Random;
    /** Connects and shakes hands; `ended` resolves when the connection has ended. */
    readonly attempt: () => Promise<{ readonly ended: Promise<Error> }>;
    readonly onFailure: (error: Error) => void;
  }) {
    this.address = o.address;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#attempt = o.attempt;
    this.#onFailure = o.onFailure;
    void this.#run();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** No further attempts; what is connected is closed by its owner. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    try {
      const { ended } = await this.#attempt();
      this.#failures = 0;
      await ended;
    } catch (error) {
      this.#failures += 1;
      if (!this.#isStopped) this.#onFailure(asError(error));
    }
    if (!this.#isStopped) this.#timer = this.#clock.after(this.#pauseMs, () => void this.#run());
  }

  get #pauseMs(): number {
    const fullMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(this.#failures, 10), RETRY_MS_MAX);
    return fullMs * (0.5 + this.#random.next() / 2);
  }
}
