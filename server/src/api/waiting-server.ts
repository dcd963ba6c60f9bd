import { createServer, type Server } from 'node:http';
import { type Clock, GrapeError } from '../base/index.ts';
import { closeServer, listen } from './http-server.ts';
import { type Answer, errorAnswer } from './rest/error-answer.ts';

/** A client that does not finish its request is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 256;

export interface WaitingDeps {
  readonly clock: Clock;
  readonly nodeId: string;
  /** Version of this build. */
  readonly version: string;
  /** What the node waits for before it can open its stores. */
  readonly reason: string;
  readonly settings: { readonly host: string; readonly port: number };
}

/**
 * On the REST port while the node waits for room on its disk: it is alive, so that nobody restarts it for nothing, it is not
 * ready, and it says why.
 */
export class WaitingServer {
  readonly #server: Server;
  readonly #clock: Clock;

  private constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** Rejects when the port cannot be bound. */
  static async start(deps: WaitingDeps): Promise<WaitingServer> {
    const server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => {
        const { status, body, headers } = answerTo(request.url ?? '', deps);
        response.writeHead(status, { 'content-type': 'application/json', ...headers, connection: 'close' });
        response.end(body);
      },
    );
    server.maxConnections = CONNECTIONS_MAX;
    await listen(server, deps.settings);
    return new WaitingServer(server, deps.clock);
  }

  /** Resolves when the port is free. */
  close(): Promise<void> {
    return closeServer(this.#server, { clock: this.#clock, graceMs: 0 });
  }
}

function answerTo(url: string, { nodeId, version, reason }: WaitingDeps): Answer {
  const [path] = url.split('?');
  if (path === '/livez') return { status: 200, body: '{"status":"alive"}' };
  if (path !== '/health') return errorAnswer(new GrapeError('STORAGE_FULL', `not ready: ${reason}`));
  const body = JSON.stringify({ status: 'unavailable', reason, node_id: nodeId, version });
  return { status: 503, body };
}
