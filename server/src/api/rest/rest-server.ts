import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { type Clock, GrapeError, type Random } from '../../base/index.ts';
import type { Logger, Metrics } from '../../observability/index.ts';
import {
  Admission,
  type AdminService,
  BODY_BYTES_IN_FLIGHT_MAX,
  type PointsService,
  REQUESTS_IN_FLIGHT_MAX,
} from '../../service/index.ts';
import { closeServer, listen } from '../http-server.ts';
import { BodyParser } from '../parse/index.ts';
import { createAdminApp } from './admin-app.ts';
import { type Answer, codedError, errorAnswer } from './error-answer.ts';
import { type CommonHeaders, commonHeaders, type Exchange, JSON_TYPE, mustClose, send } from './exchange.ts';
import { handlePoints, type PointHandlerDeps } from './point-handler.ts';
import { BodyReservation, ClientGoneError, readBody } from './request-body.ts';
import { RequestIds } from './request-id.ts';
import { findRoute, type Route } from './routes.ts';
import { statusPage } from './status-pages.ts';
import { TrafficCount } from './traffic-count.ts';

/** Bodies of administrative calls are short. */
const ADMIN_BODY_BYTES_MAX = 64 * 1024;
/** Connections at one time; further ones are closed at once. */
const CONNECTIONS_MAX = 4096;
/** Longer than what proxies keep an idle connection, so that they close it first and never send into a closed one. */
const KEEP_ALIVE_MS = 75_000;
/** A client that dribbles is cut off. */
const TIMEOUTS: HttpTimeouts = { headersMs: 10_000, requestMs: 120_000, checkMs: 1000 };

/** How long a client may take to send the head of a request, and all of it; looked at every `checkMs`. */
export interface HttpTimeouts {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly checkMs: number;
}

export interface RestServerDeps {
  readonly points: PointsService;
  readonly admin: AdminService;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: {
    readonly host: string;
    /** 0: any free one. */
    readonly port: number;
    readonly maxBodyMb: number;
    readonly requestTimeoutMs: number;
    /** Version of this build. */
    readonly version: string;
  };
  /** Requests of clients worked on at one time; a named maximum by default. */
  readonly admission?: Admission;
  /** Named ones by default. */
  readonly timeouts?: HttpTimeouts;
}

/** REST on one port: a plain fast path for points, express for administration. */
export class RestServer {
  readonly #deps: RestServerDeps;
  readonly #server: Server;
  readonly #parser = new BodyParser();
  readonly #pointDeps: PointHandlerDeps;
  readonly #admin: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();
  /** Requests without a finished answer, by connection. */
  readonly #unanswered = new WeakMap<Socket, Set<IncomingMessage>>();
  readonly #traffic: TrafficCount;
  readonly #ids: RequestIds;
  readonly #startMs: number;
  #isStopping = false;

  private constructor(deps: RestServerDeps) {
    this.#deps = deps;
    this.#ids = new RequestIds(deps.random);
    this.#traffic = new TrafficCount(deps.metrics);
    this.#startMs = deps.clock.nowMs();
    const { maxBodyMb, requestTimeoutMs } = deps.settings;
    const limits = { requestsMax: REQUESTS_IN_FLIGHT_MAX, bodyBytesMax: BODY_BYTES_IN_FLIGHT_MAX };
    this.#pointDeps = {
      ...deps,
      parser: this.#parser,
      admission: deps.admission ?? new Admission(limits),
      bodyBytesMax: maxBodyMb * 1024 * 1024,
      requestTimeoutMs,
    };
    const app = createAdminApp({
      admin: deps.admin,
      readBody: (request) => this.#readAdminBody(request),
      onError: (error: unknown, request, _response, next) => {
        const exchange = this.#exchanges.get(request);
        if (exchange === undefined) next(error);
        else this.#fail(exchange, error);
      },
    });
    this.#admin = (request, response) => void app(request, response);
    this.#server = this.#createServer();
  }

  /** Rejects when the port cannot be bound. */
  static async start(deps: RestServerDeps): Promise<RestServer> {
    const rest = new RestServer(deps);
    await listen(rest.#server, deps.settings);
    return rest;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Stops accepting, answers what is in flight (every answer closes its connection), and cuts off what is left after
   * `graceMs`.
   */
  async close(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await closeServer(this.#server, { clock: this.#deps.clock, graceMs });
    await this.#parser.close();
  }

  #createServer(): Server {
    const { headersMs, requestMs, checkMs } = this.#deps.timeouts ?? TIMEOUTS;
    const server = createServer(
      {
        headersTimeout: headersMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: checkMs,
        keepAliveTimeout: KEEP_ALIVE_MS,
        noDelay: true,
      },
      (request, response) => this.#serve(request, response),
    );
    server.maxConnections = CONNECTIONS_MAX;
    server.on('clientError', (error: Error, socket: Socket) => this.#refuseBytes(error, socket));
    return server;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    const mark = url.indexOf('?');
    const exchange: Exchange = {
      request,
      response,
      requestId: this.#ids.next(request.headers['x-grape-request-id']),
      startMs: this.#deps.clock.nowMs(),
      path: mark < 0 ? url : url.slice(0, mark),
      queryText: mark < 0 ? '' : url.slice(mark + 1),
    };
    this.#track(request, response);
    const route = findRoute(request.method ?? '', exchange.path);
    if (route.kind === 'admin') this.#serveAdmin(exchange);
    else void this.#answer(route, exchange);
  }

  #track(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const open = this.#unanswered.get(socket) ?? new Set();
    this.#unanswered.set(socket, open.add(request));
    response.on('close', () => {
      open.delete(request);
      this.#traffic.count(socket);
    });
    response.on('error', () => response.destroy());
  }

  async #readAdminBody(request: IncomingMessage): Promise<Buffer> {
    const reservation = new BodyReservation(this.#pointDeps.admission);
    try {
      return await readBody(request, { bytesMax: ADMIN_BODY_BYTES_MAX, reservation });
    } finally {
      reservation.release();
    }
  }

  #serveAdmin(exchange: Exchange): void {
    const headers = commonHeaders(exchange.requestId, this.#common(undefined));
    for (const [name, value] of Object.entries(headers)) exchange.response.setHeader(name, value);
    this.#exchanges.set(exchange.request, exchange);
    this.#admin(exchange.request, exchange.response);
  }

  async #answer(route: Route, exchange: Exchange): Promise<void> {
    try {
      const answer = await this.#run(route, exchange);
      send(exchange, answer, this.#common(answer.leader));
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  async #run(route: Route, exchange: Exchange): Promise<Answer> {
    switch (route.kind) {
      case 'points':
        if (this.#isStopping) throw new GrapeError('SHUTTING_DOWN', 'the node is stopping');
        return handlePoints(route, exchange, this.#pointDeps);
      case 'status': {
        const uptimeSeconds = (): number => (this.#deps.clock.nowMs() - this.#startMs) / 1000;
        return statusPage(route.page, { ...this.#deps, version: this.#deps.settings.version, uptimeSeconds });
      }
      case 'wrongMethod': {
        const message = `${exchange.path} takes ${route.allow}`;
        return {
          ...errorAnswer(new GrapeError('METHOD_NOT_ALLOWED', message)),
          headers: { allow: route.allow },
        };
      }
      case 'admin':
      case 'unknown':
        throw new GrapeError('NOT_FOUND', `there is no ${exchange.path}`);
    }
  }

  #fail(exchange: Exchange, thrown: unknown): void {
    if (thrown instanceof ClientGoneError) {
      exchange.response.destroy();
      return;
    }
    const { requestId } = exchange;
    const error = codedError(thrown, { logger: this.#deps.logger, requestId });
    send(exchange, { ...errorAnswer(error), isLast: mustClose(error) }, this.#common(undefined));
  }

  #common(leader: string | undefined): CommonHeaders {
    const { admin } = this.#deps;
    return { nodeId: admin.nodeId, leader: leader ?? admin.leader(), isStopping: this.#isStopping };
  }

  /** What arrived is no request: not HTTP, headers too large, a truncated body, or too slow. */
  #refuseBytes(error: Error, socket: Socket): void {
    // A refusal in place of the answer to a complete request would deny what that request did.
    const isAwaited = [...(this.#unanswered.get(socket) ?? [])].some((request) => request.complete);
    if (isAwaited || !socket.writable || isReset(error)) {
      socket.destroy();
      return;
    }
    const message = `not a complete HTTP request: ${error.message}`;
    const { status, body } = errorAnswer(new GrapeError('INVALID_REQUEST', message));
    const headers = {
      'content-type': JSON_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      ...commonHeaders(this.#ids.next(undefined), this.#common(undefined)),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} Bad Request\r\n${lines.join('')}\r\n${body}`);
  }
}

function isReset(error: Error): boolean {
  return 'code' in error && error.code === 'ECONNRESET';
}
