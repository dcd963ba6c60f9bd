import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, GrapeError } from '../../base/index.ts';
import { closeServer, listen } from '../http-server.ts';
import { type Answer, errorAnswer } from './error-answer.ts';

/** An answer takes no longer than its request. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 256;
/** What is on its way when the wait ends; nothing takes long. */
const CLOSE_GRACE_MS = 1_000;

export interface WaitingDoorDeps {
  readonly nodeId: string;
  readonly version: string;
  /** What the node waits for, in words. */
  readonly reason: string;
  readonly clock: Clock;
  /** Those of the REST port. */
  readonly settings: { readonly host: string; readonly port: number };
}

/**
 * The REST port of a node that waits for room before it opens its stores: `/livez` says that the process lives, so that
 * nobody kills it for waiting; everything else, `/readyz` and `/health` included, is 503 and says what is waited for.
 */
export class WaitingDoor {
  readonly #server: Server;
  readonly #clock: Clock;

  private constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** Rejects when the port cannot be bound; port 0 is any free one. */
  static async open(deps: WaitingDoorDeps): Promise<WaitingDoor> {
    const startMs = deps.clock.nowMs();
    const uptimeSeconds = (): number => Math.floor((deps.clock.nowMs() - startMs) / 1000);
    const server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => respond({ request, response }, { ...deps, uptimeSeconds }),
    );
    server.maxConnections = CONNECTIONS_MAX;
    await listen(server, deps.settings);
    return new WaitingDoor(server, deps.clock);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return closeServer(this.#server, { clock: this.#clock, graceMs: CLOSE_GRACE_MS });
  }
}

type Waiting = WaitingDoorDeps & { readonly uptimeSeconds: () => number };

function respond(
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  deps: Waiting,
): void {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const { status, body } = answerTo(path, deps);
  // The next request belongs to the node itself; a body, which nobody reads here, must not hold the connection.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
}

function answerTo(path: string, { reason, nodeId, version, uptimeSeconds }: Waiting): Answer {
  if (path === '/livez') return { status: 200, body: '{"status":"alive"}' };
  if (path !== '/health') return errorAnswer(new GrapeError('STORAGE_FULL', `not ready: ${reason}`));
  const body = JSON.stringify({
    status: 'unavailable',
    reason,
    node_id: nodeId,
    version,
    uptime_seconds: uptimeSeconds(),
    role: 'learner',
    leader_id: null,
  });
  return { status: 503, body };
}
