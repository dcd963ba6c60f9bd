import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

import { asError, type Clock, type Timer } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';

/** How often the status is brought up to date. */
const STATUS_PERIOD_MS = 250;
/** Health checks are all that is served: whoever watches has been told by then, and would otherwise watch for ever. */
const WATCHERS_GRACE_MS = 500;
/** The whole server, as the protocol names it. */
const WHOLE_SERVER = '';

/** gRPC on `[server] grpc_port`: `grpc.health.v1`, whose status follows the readiness of the node. */
export class GrpcServer {
  readonly #server = new Server();
  readonly #health = new HealthImplementation({ [WHOLE_SERVER]: 'NOT_SERVING' });
  readonly #clock: Clock;
  #port = 0;
  #timer: Timer | undefined;
  #isServing = false;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects when the port cannot be bound; port 0 is any free one. */
  static async start(deps: {
    /** True while the node should get traffic. */
    readonly isReady: () => boolean;
    readonly logger: Logger;
    readonly clock: Clock;
    readonly settings: { readonly host: string; readonly port: number };
  }): Promise<GrpcServer> {
    const grpc = new GrpcServer(deps.clock);
    grpc.#health.addToServer(grpc.#server);
    grpc.#port = await bind(grpc.#server, deps.settings);
    grpc.#timer = deps.clock.every(STATUS_PERIOD_MS, () => {
      grpc.#follow(deps.isReady());
    });
    grpc.#follow(deps.isReady());
    deps.logger.info('gRPC is served', { port: grpc.#port });
    return grpc;
  }

  get port(): number {
    return this.#port;
  }

  /** Tells watchers that the node stops serving, finishes calls in flight, cuts off what is left after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#timer?.cancel();
    this.#follow(false);
    const cut = this.#clock.after(Math.min(graceMs, WATCHERS_GRACE_MS), () => {
      this.#server.forceShutdown();
    });
    await new Promise<void>((resolve) => {
      // The error is that calls were cut off, which is what the grace is for.
      this.#server.tryShutdown(() => resolve());
    });
    cut.cancel();
  }

  #follow(isReady: boolean): void {
    if (isReady === this.#isServing) return;
    this.#isServing = isReady;
    this.#health.setStatus(WHOLE_SERVER, isReady ? 'SERVING' : 'NOT_SERVING');
  }
}

function bind(server: Server, address: { readonly host: string; readonly port: number }): Promise<number> {
  const { host, port } = address;
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(asError(error));
    });
  });
}
