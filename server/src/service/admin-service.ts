import { createHash, timingSafeEqual } from 'node:crypto';

import { GrapeError } from '../base/index.ts';
import { parseJoin } from '../model/index.ts';
import { formedMap } from './formed.ts';
import type { Directory } from './ports.ts';

/** JSON as `docs/reference/api.md` describes it, ready to be written out. */
export type JsonObject = object;

/** What this node can do for clients now. */
export interface NodeHealth {
  /** `degraded`: some shards cannot be read strongly or written through this node; `unavailable`: none can. */
  readonly status: 'healthy' | 'degraded' | 'unavailable';
  /** Undefined when healthy. */
  readonly reason: string | undefined;
  readonly role: 'leader' | 'follower' | 'learner';
  readonly leaderId: string | undefined;
}

/** Reports on the cluster: the cluster node's part of the administration. */
export interface ClusterReports {
  info(): JsonObject | Promise<JsonObject>;
  nodes(): JsonObject | Promise<JsonObject>;
  shards(): JsonObject | Promise<JsonObject>;
  health(): NodeHealth;
}

export interface AdminServiceDeps {
  readonly directory: Directory;
  readonly reports: ClusterReports;
  /** Node that leads the cluster's metadata now, as far as this node knows. */
  readonly leader: () => string | undefined;
  /** Lets a member come back with a new store; answers its state. Throws coded errors. */
  readonly join: (nodeId: string) => Promise<string>;
  /** `open`: `/cluster/*` asks for no token. */
  readonly adminAuth: () => 'open' | 'token';
  /** Tokens that are accepted now: the cluster token and the one before it. */
  readonly tokens: () => readonly string[];
}

/** The administrative calls: who may make them, and what they answer. */
export class AdminService {
  readonly #deps: AdminServiceDeps;
  #isStopping = false;

  constructor(deps: AdminServiceDeps) {
    this.#deps = deps;
  }

  /** `authorization` is the value of that header. Throws UNAUTHENTICATED. */
  authorise(authorization: string | undefined): void {
    if (this.#deps.adminAuth() === 'open') return;
    const presented = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
    if (presented === undefined) {
      throw new GrapeError('UNAUTHENTICATED', 'administrative calls need Authorization: Bearer <token>');
    }
    // Every token is compared, in constant time, so that neither a value nor its place in the list can be timed.
    const matches = this.#deps.tokens().filter((token) => token !== '' && isSame(token, presented));
    if (matches.length === 0) throw new GrapeError('UNAUTHENTICATED', 'the token is not one of this cluster');
  }

  async info(): Promise<JsonObject> {
    formedMap(this.#deps.directory);
    return this.#deps.reports.info();
  }

  async nodes(): Promise<JsonObject> {
    formedMap(this.#deps.directory);
    return this.#deps.reports.nodes();
  }

  async shards(): Promise<JsonObject> {
    formedMap(this.#deps.directory);
    return this.#deps.reports.shards();
  }

  /** `body` as it was parsed. Throws INVALID_REQUEST, UNKNOWN_KEY, UNSUPPORTED, NOT_A_MEMBER and SHARD_UNAVAILABLE. */
  async join(body: unknown): Promise<JsonObject> {
    const { nodeId } = parseJoin(body);
    formedMap(this.#deps.directory);
    return { node_id: nodeId, state: await this.#deps.join(nodeId) };
  }

  leader(): string | undefined {
    return this.#deps.leader();
  }

  get nodeId(): string {
    return this.#deps.directory.nodeId;
  }

  health(): NodeHealth {
    return this.#deps.reports.health();
  }

  /** Why this node should get no traffic now; undefined when it may. */
  notReady(): string | undefined {
    if (this.#isStopping) return 'the node is stopping';
    const { status, reason } = this.#deps.reports.health();
    return status === 'unavailable' ? (reason ?? 'no shard can be served') : undefined;
  }

  /** From now on the node is not ready: load balancers take it out while it still answers. */
  beginStopping(): void {
    this.#isStopping = true;
  }
}

function isSame(expected: string, presented: string): boolean {
  // Hashes have one length, which the comparison needs; lengths of tokens are not told apart by time either.
  return timingSafeEqual(digest(expected), digest(presented));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
