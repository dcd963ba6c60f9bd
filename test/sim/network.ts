import { asError, type Random } from '../../server/src/base/index.ts';
import type { GroupMessage, RaftLink } from '../../server/src/raft/index.ts';
import { PeerUnavailableError } from '../../server/src/raft/transport/errors.ts';
import { decodeMessages, encodeMessages } from '../../server/src/raft/transport/message-codec.ts';
import type { Events } from './events.ts';

/** How the network behaves now. */
export interface NetworkMood {
  /** Share of parcels that are lost. */
  loss: number;
  /** Share that come twice, the second time late. */
  replay: number;
  /** Longest time of a parcel on its way. */
  delayMs: number;
  /** Share of bulk requests that break, before or after they were handled. */
  breaking: number;
}

export interface NetworkCounts {
  sent: number;
  lost: number;
  replayed: number;
  cut: number;
  brokenRequests: number;
}

type Handler = (from: { readonly nodeId: string }, body: Buffer) => Promise<Buffer>;

/** One process on the network. */
interface Endpoint {
  readonly nodeId: string;
  /** Tells the processes of a node apart. */
  readonly process: number;
  isAlive: boolean;
  listener: ((fromNode: string, messages: readonly GroupMessage[]) => void) | undefined;
  readonly handlers: Map<number, Handler>;
}

/** Carries parcels between processes with loss, repetition, delay (so: in another order) and cuts in one direction or both. */
export class SimNetwork {
  readonly counts: NetworkCounts = { sent: 0, lost: 0, replayed: 0, cut: 0, brokenRequests: 0 };
  readonly mood: NetworkMood = { loss: 0, replay: 0, delayMs: 5, breaking: 0 };
  /** `from>to`: nothing passes. */
  readonly cuts = new Set<string>();
  encodes = false;
  /** Called with every message that leaves a process. */
  onMessage: (message: GroupMessage, process: number) => void = () => undefined;
  readonly #events: Events;
  readonly #random: Random;
  readonly #endpoints = new Map<string, Endpoint>();
  #processes = 0;
  /** What comes to a node that stands still waits. */
  readonly #held = new Map<string, (() => void)[]>();

  constructor(events: Events, random: Random) {
    this.#events = events;
    this.#random = random;
  }

  /** A process starts; what was meant for the one before it on this node does not reach it. */
  join(nodeId: string): { readonly link: RaftLink; readonly leave: () => void } {
    const process = (this.#processes += 1);
    const endpoint: Endpoint = { nodeId, process, isAlive: true, listener: undefined, handlers: new Map() };
    this.#endpoints.set(nodeId, endpoint);
    const link: RaftLink = {
      sendRaft: (to, messages) => this.#send(endpoint, to, messages),
      onRaft: (listener) => {
        endpoint.listener = listener;
      },
      requestBulk: (to, kind, body) => this.#request(endpoint, { to, kind, body }),
      handle: (kind, handler) => void endpoint.handlers.set(kind, handler),
    };
    const leave = (): void => {
      endpoint.isAlive = false;
      if (this.#endpoints.get(nodeId) === endpoint) this.#endpoints.delete(nodeId);
    };
    return { link, leave };
  }

  hold(nodeId: string): void {
    if (!this.#held.has(nodeId)) this.#held.set(nodeId, []);
  }

  release(nodeId: string): void {
    const held = this.#held.get(nodeId) ?? [];
    this.#held.delete(nodeId);
    for (const deliver of held) deliver();
  }

  #send(from: Endpoint, toNode: string, messages: readonly GroupMessage[]): boolean {
    const to = this.#endpoints.get(toNode);
    if (!from.isAlive) return false;
    for (const message of messages) this.onMessage(message, from.process);
    if (to === undefined) return false;
    this.counts.sent += 1;
    const { loss, replay } = this.mood;
    if (this.#random.next() < loss) {
      this.counts.lost += 1;
      return true;
    }
    const read = this.encodes ? decodeMessages(encodeMessages(messages)).messages : messages;
    const deliver = (): void => to.listener?.(from.nodeId, read);
    this.#travel(from, to, deliver, 1);
    if (this.#random.next() < replay) {
      this.counts.replayed += 1;
      this.#travel(from, to, deliver, 20);
    }
    return true;
  }

  #travel(from: Endpoint, to: Endpoint, deliver: () => void, slower: number): void {
    const delay = 0.2 + this.#random.next() * this.mood.delayMs * slower;
    this.#events.after(delay, () => {
      if (this.cuts.has(`${from.nodeId}>${to.nodeId}`)) {
        this.counts.cut += 1;
        return;
      }
      const arrive = (): void => {
        if (to.isAlive) deliver();
      };
      const held = this.#held.get(to.nodeId);
      if (held === undefined) arrive();
      else held.push(arrive);
    });
  }

  #request(
    from: Endpoint,
    { to: toNode, kind, body }: { readonly to: string; readonly kind: number; readonly body: Buffer },
  ): Promise<Buffer> {
    const broken = (): Error => {
      this.counts.brokenRequests += 1;
      return new PeerUnavailableError(`${toNode} is not connected`, true);
    };
    return new Promise((resolve, reject) => {
      const isCut = (): boolean =>
        this.cuts.has(`${from.nodeId}>${toNode}`) || this.cuts.has(`${toNode}>${from.nodeId}`);
      const breaks = (): boolean => isCut() || this.#random.next() < this.mood.breaking;
      this.#events.after(0.2 + this.#random.next() * this.mood.delayMs, () => {
        const to = this.#endpoints.get(toNode);
        const handler = to?.handlers.get(kind);
        if (to === undefined || handler === undefined || breaks()) {
          reject(broken());
          return;
        }
        const answered = handler({ nodeId: from.nodeId }, body);
        const back = (settle: () => void): void =>
          this.#events.after(0.2 + this.#random.next() * this.mood.delayMs, () => {
            if (!from.isAlive) return;
            if (!to.isAlive || breaks()) reject(broken());
            else settle();
          });
        answered.then(
          (answer) => back(() => resolve(answer)),
          (error: unknown) => back(() => reject(asError(error))),
        );
        // The other process may end before it answers: its silence is noticed.
        this.#events.after(2_000, () => {
          if (!to.isAlive) reject(broken());
        });
      });
    });
  }
}
