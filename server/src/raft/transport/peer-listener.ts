import { createServer, type Server, type Socket } from 'node:net';
import { asError, type Clock } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import { FrameSocket, LINGER_MS, type TrafficMetrics } from './frame-socket.ts';
import { greetAsServer, type Tokens } from './handshake.ts';
import type { Hello, Purpose } from './hello.ts';
import { HANDSHAKE_MS_MAX } from './peer-link.ts';
import type { RefusalLog } from './refusal-log.ts';
import { sniff } from './sniff.ts';

/** Connections that have not shown yet who they are. */
const UNKNOWN_SOCKETS_MAX = 256;

export interface PeerListenerDeps {
  readonly hello: () => Hello;
  readonly tokens: () => Tokens;
  /** Why a proven peer is not wanted. */
  readonly accept: (peer: Hello, purpose: Purpose) => string | undefined;
  readonly onPeer: (
    frames: FrameSocket,
    identity: { readonly peer: Hello; readonly purpose: Purpose },
  ) => void;
  readonly http: (socket: Socket) => void;
  readonly logger: Logger;
  readonly refusals: RefusalLog;
  readonly clock: Clock;
  readonly metrics: TrafficMetrics | undefined;
}

/** The peer port: tells HTTP from peers by the first bytes and shakes hands with the latter. */
export class PeerListener {
  readonly #deps: PeerListenerDeps;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #unknown = 0;

  private constructor(deps: PeerListenerDeps, server: Server) {
    this.#deps = deps;
    this.#server = server;
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('error', (error) => deps.logger.error('the peer port failed', { error: error.message }));
  }

  /** Rejects when the address cannot be bound. */
  static async listen(
    deps: PeerListenerDeps,
    address: { readonly host: string; readonly port: number },
  ): Promise<PeerListener> {
    const server = createServer({ noDelay: true, keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
    return new PeerListener(deps, server);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Ends every connection that came in, also those that speak HTTP; resolves when the port is free. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) {
      socket.setTimeout(LINGER_MS, () => socket.destroy());
      socket.destroySoon();
    }
    await closed;
  }

  #onConnection(socket: Socket): void {
    if (this.#unknown >= UNKNOWN_SOCKETS_MAX) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    // An error without a listener would end the process; whoever reads the socket learns of it by the close that follows.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#unknown += 1;
    const address = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    void this.#identify(socket)
      .catch((error: unknown) => this.#onRefused(address, asError(error)))
      .finally(() => (this.#unknown -= 1));
  }

  async #identify(socket: Socket): Promise<void> {
    const timer = this.#deps.clock.after(HANDSHAKE_MS_MAX, () => socket.destroy());
    try {
      const sniffed = await sniff(socket);
      if (sniffed.kind === 'http') this.#handOver(socket);
      else if (sniffed.kind === 'peer') await this.#greet(socket, sniffed.rest);
      else throw new Error('its first bytes are neither those of a peer nor HTTP');
    } catch (error) {
      socket.destroySoon();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  async #greet(socket: Socket, first: Buffer): Promise<void> {
    const { hello, tokens, accept, metrics } = this.#deps;
    const frames = new FrameSocket(socket, { first, metrics });
    socket.resume();
    const identity = await greetAsServer(frames, { hello: hello(), tokens: tokens(), accept });
    this.#deps.onPeer(frames, identity);
  }

  /** Looking at the first bytes has paused the socket. */
  #handOver(socket: Socket): void {
    this.#deps.http(socket);
    socket.resume();
  }

  #onRefused(address: string, error: Error): void {
    const host = address.slice(0, address.lastIndexOf(':'));
    const fields = { address };
    this.#deps.refusals.warn('refused a connection to the peer port', {
      who: host,
      reason: error.message,
      fields,
    });
  }
}
