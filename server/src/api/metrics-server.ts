import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { asError, type Clock } from '../base/index.ts';
import type { Logger, Metrics } from '../observability/index.ts';
import { closeServer, listen } from './http-server.ts';

/** A scraper that does not finish its request is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 256;

interface Page {
  readonly path: string;
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

/** `/metrics` on `[monitoring] prometheus_port`. */
export class MetricsServer {
  readonly #server: Server;
  readonly #clock: Clock;

  private constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** Rejects when the port cannot be bound; port 0 is any free one. */
  static async start(deps: {
    readonly metrics: Metrics;
    readonly logger: Logger;
    readonly clock: Clock;
    readonly settings: { readonly host: string; readonly port: number };
  }): Promise<MetricsServer> {
    const { metrics } = deps;
    const page = { path: '/metrics', contentType: metrics.contentType, text: () => metrics.text() };
    const server = pageServer(page, deps.logger);
    await listen(server, deps.settings);
    return new MetricsServer(server, deps.clock);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts off scrapes that are not done after `graceMs`. */
  close(graceMs: number): Promise<void> {
    return closeServer(this.#server, { clock: this.#clock, graceMs });
  }
}

/**
 * `/raft/metrics` for connections that the Raft port found to speak HTTP: hand each socket over with
 * `server.emit('connection', socket)`. It listens on no port of its own.
 */
export function createRaftMetricsServer(deps: {
  readonly metrics: Metrics;
  readonly logger: Logger;
}): Server {
  const { metrics } = deps;
  const page = { path: '/raft/metrics', contentType: metrics.contentType, text: () => metrics.raft.text() };
  const server = pageServer(page, deps.logger);
  // Without a port of its own a server keeps no watch over whole requests: one request per connection, and silence ends it.
  server.maxRequestsPerSocket = 1;
  server.timeout = REQUEST_TIMEOUT_MS;
  return server;
}

function pageServer(page: Page, logger: Logger): Server {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(page, { request, response, logger }),
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

async function answer(
  page: Page,
  io: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly logger: Logger },
): Promise<void> {
  const { request, response, logger } = io;
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== page.path) {
    response.writeHead(404).end(`only ${page.path} is served here\n`);
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else {
    try {
      const text = await page.text();
      response.writeHead(200, { 'content-type': page.contentType }).end(text);
    } catch (error) {
      logger.error('the metrics could not be collected', { error: asError(error) });
      response.writeHead(500).end();
    }
  }
}
