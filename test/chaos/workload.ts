import { randomUUID } from 'node:crypto';
import type { Random } from '../../server/src/base/index.ts';
import { callWith, type Reply } from '../support/client.ts';
import { vectorOf } from '../support/vectors.ts';
import { type History, nowNs, type Operation } from './history.ts';

export const DIMENSION = 16;
const TIMEOUT_MS = 2_000;
/** Keys that are worked on at once, each by the few clients that share it. */
const CLIENTS_PER_SLOT = 3;
/** So long a key is used: histories stay short enough to be decided, whatever stays open in them. */
const EPOCH_MS = 4_000;
/** Pause after a call that failed at once, so that a dead node is not called in a tight loop. */
const FAILED_PAUSE_MS = 20;

interface WorkloadDeps {
  readonly urls: readonly string[];
  readonly random: Random;
  readonly history: History;
}

/** What is known of a call: `ok`, `refused` (surely without effect) or `open`. */
type Fate = 'ok' | 'refused' | 'open';

/** Clients that put, get (by id or by exact search), delete, and repeat puts under an idempotency key, until stopped. */
export class Workload {
  readonly #deps: WorkloadDeps;
  readonly #startMs = performance.now();
  readonly #clients: Promise<void>[];
  #isStopped = false;

  constructor(deps: WorkloadDeps, clients: number) {
    this.#deps = deps;
    this.#clients = Array.from({ length: clients }, (_, client) => this.#run(client));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    const { random } = this.#deps;
    const slot = Math.floor(client / CLIENTS_PER_SLOT);
    for (let count = 0; !this.#isStopped; count += 1) {
      const key = `k${slot}-${Math.floor((performance.now() - this.#startMs) / EPOCH_MS)}`;
      const kind = random.int(10);
      if (kind < 3) await this.#put(client, key, `${client}.${count}`);
      else if (kind < 4) await this.#insistOnPut(client, key, `${client}.${count}`);
      else if (kind < 5) await this.#delete(client, key);
      else if (kind < 8) await this.#get(client, key);
      else await this.#search(client, key);
    }
  }

  async #put(client: number, key: string, value: string): Promise<void> {
    await this.#operation({ client, op: 'put', key, value }, () => this.#write(key, value, {}));
  }

  /** As a careful client does: repeated under one key until the outcome is known. */
  async #insistOnPut(client: number, key: string, value: string): Promise<void> {
    const headers = { 'idempotency-key': randomUUID() };
    await this.#operation({ client, op: 'put', key, value }, async () => {
      let isOpen = false;
      for (;;) {
        const reply = await this.#write(key, value, headers);
        const fate = fateOf(reply);
        isOpen ||= fate === 'open';
        if (fate === 'ok') return reply;
        // A refusal speaks of its own attempt only.
        if (this.#isStopped) return isOpen ? undefined : reply;
      }
    });
  }

  async #delete(client: number, key: string): Promise<void> {
    await this.#operation({ client, op: 'delete', key, value: null }, () =>
      this.#call('DELETE', `/vectors/${key}`),
    );
  }

  async #get(client: number, key: string): Promise<void> {
    await this.#read({ client, key }, async () => {
      const reply = await this.#call('GET', `/vectors/${key}`);
      if (reply?.status === 404) return { reply, found: undefined };
      return { reply, found: reply?.body as Found | undefined };
    });
  }

  /** Every key has a direction of its own: an exact search for it finds the key first, or not at all. */
  async #search(client: number, key: string): Promise<void> {
    await this.#read({ client, key }, async () => {
      const body = { vector: directionOf(key), limit: 1, exact: true };
      const reply = await this.#call('POST', '/vectors/search', body);
      const hits = (reply?.body['results'] ?? []) as (Found & { readonly id: string })[];
      return { reply, found: hits.find(({ id }) => id === key) };
    });
  }

  async #operation(
    what: Pick<Operation, 'client' | 'op' | 'key' | 'value'>,
    send: () => Promise<Reply | undefined>,
  ): Promise<void> {
    const call = nowNs();
    const reply = await send();
    const fate = fateOf(reply);
    const version = reply?.body['version'] as number | undefined;
    const isKnown = fate !== 'open';
    this.#deps.history.add({
      ...what,
      call,
      return: isKnown ? nowNs() : null,
      ok: fate === 'ok',
      ...(fate === 'ok' && version !== undefined && { version }),
    });
  }

  async #read(
    what: Pick<Operation, 'client' | 'key'>,
    send: () => Promise<{ readonly reply: Reply | undefined; readonly found: Found | undefined }>,
  ): Promise<void> {
    const call = nowNs();
    const { reply, found } = await send();
    const ok = reply?.status === 200 || reply?.status === 404;
    const value = ok ? (found?.payload.value ?? null) : null;
    const version = ok ? found?.version : undefined;
    const ended = { call, return: ok ? nowNs() : null, ok, ...(version !== undefined && { version }) };
    this.#deps.history.add({ ...what, op: 'get', value, ...ended });
  }

  #write(key: string, value: string, headers: Readonly<Record<string, string>>): Promise<Reply | undefined> {
    const body = { id: key, vector: directionOf(key), payload: { value } };
    return this.#call('POST', '/vectors', body, headers);
  }

  /** Undefined when the connection broke or nobody answered: what became of it is open. */
  async #call(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply | undefined> {
    const { urls, random } = this.#deps;
    const url = urls[random.int(urls.length)] as string;
    try {
      const target = { url, method, path: `${path}?timeout_ms=${TIMEOUT_MS}`, timeoutMs: 2 * TIMEOUT_MS };
      return await callWith(headers, { ...target, ...(body !== undefined && { body }) });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, FAILED_PAUSE_MS));
      return undefined;
    }
  }
}

interface Found {
  readonly payload: { readonly value: string };
  readonly version?: number;
}

/** 429 and 503 promise that nothing was and will be applied; a 4xx is a refusal; anything else leaves it open. */
function fateOf(reply: Reply | undefined): Fate {
  if (reply === undefined) return 'open';
  if (reply.status === 200) return 'ok';
  return reply.status === 503 || reply.status < 500 ? 'refused' : 'open';
}

function directionOf(key: string): number[] {
  let seed = 7;
  for (const letter of key) seed = (seed * 31 + letter.charCodeAt(0)) % 1_000_003;
  return vectorOf(seed, DIMENSION);
}
