import { connect } from 'node:net';

import { type HttpTimeouts, RestServer } from '../../../server/src/api/index.ts';
import { present, seededRandom, systemClock } from '../../../server/src/base/index.ts';
import { Metrics, silentLogger } from '../../../server/src/observability/index.ts';
import { type Admission, AdminService, type NodeHealth } from '../../../server/src/service/index.ts';
import {
  MemoryCluster,
  type MemoryClusterOptions,
  type MemoryNode,
} from '../../../server/src/service/testing/memory-cluster.ts';

export interface RestOptions extends MemoryClusterOptions {
  readonly maxBodyMb?: number;
  readonly requestTimeoutMs?: number;
  readonly adminAuth?: 'open' | 'token';
  readonly health?: NodeHealth;
  readonly admission?: Admission;
  readonly timeouts?: HttpTimeouts;
  readonly join?: (nodeId: string) => Promise<string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Rest {
  readonly cluster: MemoryCluster;
  readonly node: MemoryNode;
  readonly server: RestServer;
  readonly admin: AdminService;
  readonly metrics: Metrics;
  readonly port: number;
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
  /** Everything the server sends back for these bytes, until it closes the connection. */
  readonly raw: (bytes: string, o?: { readonly halfClose?: boolean }) => Promise<string>;
  readonly close: () => Promise<void>;
}

const HEALTHY: NodeHealth = { status: 'healthy', reason: undefined, role: 'leader', leaderId: 'node-1' };

/** The REST server over the service and an in-memory cluster: everything but Raft and the disk is real. */
export async function startRest(options: RestOptions = {}): Promise<Rest> {
  const clock = systemClock;
  const cluster = new MemoryCluster({ dimension: 3, metric: 'cosine', ...options, clock });
  const node = cluster.node('node-1');
  const metrics = new Metrics({ clock, logger: silentLogger, memoryLimitBytes: 1 });
  const admin = new AdminService({
    directory: node,
    reports: {
      info: () => ({ cluster_id: 'memory' }),
      nodes: () => ({ nodes: [] }),
      shards: () => ({ shards: [] }),
      health: () => options.health ?? HEALTHY,
    },
    leader: () => 'node-1',
    join: (nodeId) => options.join?.(nodeId) ?? Promise.resolve('joining'),
    adminAuth: () => options.adminAuth ?? 'open',
    tokens: () => ['secret', 'older'],
  });
  const server = await RestServer.start({
    points: node.points,
    admin,
    metrics,
    clock,
    logger: silentLogger,
    random: seededRandom(1),
    settings: {
      host: '127.0.0.1',
      port: 0,
      maxBodyMb: options.maxBodyMb ?? 2,
      requestTimeoutMs: options.requestTimeoutMs ?? 2000,
      version: '9.9.9',
    },
    ...(options.admission !== undefined && { admission: options.admission }),
    ...(options.timeouts !== undefined && { timeouts: options.timeouts }),
  });
  const { port } = server;
  return {
    cluster,
    node,
    server,
    admin,
    metrics,
    port,
    call: (method, path, body, headers) => call(`http://127.0.0.1:${port}${path}`, { method, body, headers }),
    raw: (bytes, o) => raw(port, bytes, o?.halfClose ?? false),
    close: () => server.close(1000),
  };
}

export function errorOf(answer: Answer): {
  code: string;
  message: string;
  retryable: boolean;
  details?: unknown;
} {
  return present(answer.json['error'], 'an error') as ReturnType<typeof errorOf>;
}

async function call(
  url: string,
  o: { method: string; body: unknown; headers: Record<string, string> | undefined },
): Promise<Answer> {
  const isRaw = o.body === undefined || typeof o.body === 'string' || o.body instanceof Uint8Array;
  const body = isRaw ? (o.body as string | undefined) : JSON.stringify(o.body);
  const response = await fetch(url, {
    method: o.method,
    ...(body !== undefined && { body }),
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...o.headers },
  });
  const text = await response.text();
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, text, json };
}

function raw(port: number, bytes: string, halfClose: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (received += chunk));
    socket.on('end', () => {
      socket.end();
      resolve(received);
    });
    socket.on('error', reject);
    socket.write(bytes, () => {
      if (halfClose) socket.end();
    });
  });
}
