import type { GroupMessage, RaftLink } from '../types.ts';
import { PeerUnavailableError } from '../transport/errors.ts';
import { decodeMessages, encodeMessages } from '../transport/message-codec.ts';

type Handler = (from: { readonly nodeId: string }, body: Buffer) => Promise<Buffer>;
type Listener = (fromNode: string, messages: readonly GroupMessage[]) => void;

/** Decides about every message; false: lost. */
export type Filter = (from: string, to: string, message: GroupMessage) => boolean;

/** A network in memory: delivers in order, in a later turn of the event loop, through the real encoding. */
export class MemoryNetwork {
  filter: Filter = () => true;
  /** Everything delivered, newest last. */
  readonly log: { readonly from: string; readonly to: string; readonly message: GroupMessage }[] = [];
  /** Decides about every bulk request; false: the connection breaks, before the request or before its answer. */
  bulkFilter: (from: string, to: string, when: 'before' | 'after') => boolean = () => true;
  bulkRequests = 0;
  readonly #unanswered = new Set<{ readonly to: string; readonly breaks: () => void }>();
  readonly #handlers = new Map<string, Handler>();
  readonly #listeners = new Map<string, Listener>();

  link(node: string): RaftLink {
    return {
      sendRaft: (to, messages) => this.#send(node, to, messages),
      onRaft: (listener) => this.#listeners.set(node, listener),
      requestBulk: (to, kind, body) => this.#requestBulk(node, to, kind, body),
      handle: (kind, handler) => this.#handlers.set(`${node}/${kind}`, handler),
    };
  }

  /** Also breaks the requests that it has not answered. */
  unplug(node: string): void {
    this.#listeners.delete(node);
    for (const request of this.#unanswered) if (request.to === node) request.breaks();
  }

  /** Nothing passes to or from `node` any more. */
  isolate(node: string): void {
    this.filter = (from, to) => from !== node && to !== node;
  }

  heal(): void {
    this.filter = () => true;
  }

  async #requestBulk(from: string, to: string, kind: number, body: Buffer): Promise<Buffer> {
    const broken = new PeerUnavailableError(`${to} is not connected`, true);
    await new Promise((resolve) => setImmediate(resolve));
    const handler = this.#handlers.get(`${to}/${kind}`);
    if (handler === undefined || !this.#listeners.has(to) || !this.bulkFilter(from, to, 'before'))
      throw broken;
    this.bulkRequests += 1;
    const answer = await this.#untilUnplugged(to, handler({ nodeId: from }, body), broken);
    if (!this.bulkFilter(from, to, 'after')) throw broken;
    return answer;
  }

  async #untilUnplugged(to: string, answer: Promise<Buffer>, broken: Error): Promise<Buffer> {
    const end = Promise.withResolvers<never>();
    const request = { to, breaks: () => end.reject(broken) };
    this.#unanswered.add(request);
    try {
      return await Promise.race([answer, end.promise]);
    } finally {
      this.#unanswered.delete(request);
    }
  }

  #send(from: string, to: string, messages: readonly GroupMessage[]): boolean {
    if (!this.#listeners.has(to)) return false;
    const listener = this.#listeners.get(to);
    const passed = messages.filter((message) => this.filter(from, to, message));
    for (const message of passed) this.log.push({ from, to, message });
    const bytes = encodeMessages(passed);
    setImmediate(() => {
      // A node that was restarted meanwhile does not get what was meant for the one before.
      if (this.#listeners.get(to) === listener) listener?.(from, decodeMessages(bytes).messages);
    });
    return true;
  }
}
