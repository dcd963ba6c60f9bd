import { asError, type Clock } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import type { DiskState } from '../storage/index.ts';
import { RPC } from './formation-messages.ts';
import { decodeNodeStatus, encodeNodeStatus, type NodeStatus } from './node-status.ts';
import { Periodic } from './periodic.ts';
import type { Hello, Peers } from './ports.ts';

const STATUS_PERIOD_MS = 1_000;
/** What a silent node said of its disk counts for so long. */
const DISK_KNOWN_MS = 10_000;

/** The last word of a node, and how old it is. */
export interface HeardStatus {
  readonly status: NodeStatus;
  readonly ageMs: number;
}

interface ExchangeDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly peers: Peers;
  /** This node, now. */
  readonly ownStatus: () => NodeStatus;
  /** Only members have a say: a status may also come from a node that merely knows the token. */
  readonly isMember: (from: Hello) => boolean;
  /** The other members. */
  readonly others: () => readonly string[];
  readonly onFatal: (error: Error) => void;
}

/** Sends this node's status to every other member once a second and remembers the last of each. */
export class StatusExchange {
  readonly #deps: ExchangeDeps;
  readonly #heard = new Map<string, { readonly status: NodeStatus; readonly atMs: number }>();
  readonly #sending: Periodic;

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
    this.#sending = new Periodic({
      clock: deps.clock,
      periodMs: STATUS_PERIOD_MS,
      run: () => this.sendNow(),
      onError: deps.onFatal,
    });
  }

  start(): void {
    this.#deps.peers.handle(RPC.status, (from, body) => {
      const status = decodeNodeStatus(body);
      if (status.nodeId === from.nodeId && this.#deps.isMember(from)) {
        this.#heard.set(from.nodeId, { status, atMs: this.#deps.clock.nowMs() });
      }
      return Promise.resolve(Buffer.alloc(0));
    });
    this.#sending.start();
  }

  stop(): Promise<void> {
    return this.#sending.stop();
  }

  /** The last status of every node heard since the start, this one's included. */
  heard(): ReadonlyMap<string, HeardStatus> {
    const nowMs = this.#deps.clock.nowMs();
    const all = new Map<string, HeardStatus>();
    for (const [nodeId, { status, atMs }] of this.#heard) all.set(nodeId, { status, ageMs: nowMs - atMs });
    const own = this.#deps.ownStatus();
    return all.set(own.nodeId, { status: own, ageMs: 0 });
  }

  /** Room on the disk of another node, as it said last; undefined when it has not been heard for long. */
  diskOf(nodeId: string): DiskState | undefined {
    const last = this.#heard.get(nodeId);
    const isOld = last === undefined || this.#deps.clock.nowMs() - last.atMs > DISK_KNOWN_MS;
    return isOld ? undefined : last.status.disk;
  }

  /** Settles when every other member has it or is out of reach. */
  async sendNow(): Promise<void> {
    const body = encodeNodeStatus(this.#deps.ownStatus());
    await Promise.all(
      this.#deps.others().map(async (nodeId) => {
        try {
          await this.#deps.peers.request(nodeId, RPC.status, body, STATUS_PERIOD_MS);
        } catch (error) {
          // Silence is what the receiver measures: it calls this node suspect, then down.
          this.#deps.logger.debug('a status was not delivered', {
            peer: nodeId,
            reason: asError(error).message,
          });
        }
      }),
    );
  }
}
