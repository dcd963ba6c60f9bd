import { asError, ByteReader, ByteWriter, type Clock, GrapeError, pause } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { parseAddress } from './addresses.ts';
import { readFormat } from './codec.ts';
import { RPC } from './formation-messages.ts';
import type { HostPort, Peers } from './ports.ts';
import type { ClusterMap } from './types.ts';

/** How long the word of an operator counts, unless the node is admitted before. */
const VALID_MS = 10 * 60_000;
const REQUEST_MS_MAX = 5_000;
/** How long a leader of `meta` is waited for, and how often it is looked for. */
const LEADER_WAIT_MS = 10_000;
const RETRY_MS = 200;
const FORMAT = 1;

interface PermissionsDeps {
  readonly peers: Peers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly map: () => ClusterMap | undefined;
  /** This node leads `meta`. */
  readonly isLeader: () => boolean;
  /** Who leads `meta`, as far as this node knows. */
  readonly leader: () => string | undefined;
}

/**
 * What operators have allowed with `POST /cluster/join`: members with `auto_rejoin = false` that have lost their store, or
 * whose store has forgotten what it promised, may be admitted with a new one. Kept by the leader of `meta` in memory: after a
 * change of that leader the operator says it again.
 */
export class Permissions {
  readonly #deps: PermissionsDeps;
  readonly #untilMs = new Map<string, number>();

  constructor(deps: PermissionsDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { peers } = this.#deps;
    peers.handle(RPC.permit, (_from, body) => {
      this.#permitHere(readNodeId(body));
      return Promise.resolve(Buffer.alloc(0));
    });
    peers.handle(RPC.isPermitted, (_from, body) => Promise.resolve(this.#answer(readNodeId(body))));
  }

  /** Throws UNSUPPORTED for a node that is no member, SHARD_UNAVAILABLE when no leader of `meta` takes it in time. */
  async permit(nodeId: string): Promise<void> {
    const { map, clock } = this.#deps;
    if (map()?.members.some((member) => member.nodeId === nodeId) !== true) {
      const members =
        map()
          ?.members.map((member) => member.nodeId)
          .join(', ') ?? 'none';
      throw new GrapeError(
        'UNSUPPORTED',
        `${nodeId} is not a member (${members}): adding nodes is not supported by this version`,
      );
    }
    for (const endMs = clock.nowMs() + LEADER_WAIT_MS; ;) {
      const refusal = await this.#tryLeader(nodeId);
      if (refusal === undefined) return;
      if (clock.nowMs() >= endMs) throw new GrapeError('SHARD_UNAVAILABLE', refusal);
      await pause(clock, RETRY_MS);
    }
  }

  /** Answers why the leader of `meta` has not taken it. */
  async #tryLeader(nodeId: string): Promise<string | undefined> {
    const { isLeader, leader, peers } = this.#deps;
    if (isLeader()) {
      this.#permitHere(nodeId);
      return undefined;
    }
    const to = leader();
    if (to === undefined) return 'no leader of meta is known';
    try {
      await peers.request(to, RPC.permit, encodeNodeId(nodeId), REQUEST_MS_MAX);
      return undefined;
    } catch (error) {
      return `the leader of meta, ${to}: ${asError(error).message}`;
    }
  }

  /** The node has come back: once more is another word. */
  withdraw(nodeId: string): void {
    this.#untilMs.delete(nodeId);
  }

  #permitHere(nodeId: string): void {
    const { clock, isLeader, logger } = this.#deps;
    if (!isLeader()) throw new GrapeError('SHARD_UNAVAILABLE', 'this node does not lead meta');
    this.#untilMs.set(nodeId, clock.nowMs() + VALID_MS);
    logger.info('an operator lets a member come back with a new store', { nodeId });
  }

  #answer(nodeId: string): Buffer {
    const { clock, isLeader, leader, map } = this.#deps;
    const isPermitted = isLeader() && (this.#untilMs.get(nodeId) ?? -1) > clock.nowMs();
    const elsewhere = isLeader() ? undefined : map()?.members.find((member) => member.nodeId === leader());
    return new ByteWriter()
      .u8(FORMAT)
      .bool(isPermitted)
      .text(elsewhere?.raftAddress ?? '')
      .finish();
  }
}

/** Asks the members, one after another, whether an operator has said so; false when nobody knows. */
export async function askForPermission(
  peers: Peers,
  o: { readonly nodeId: string; readonly contacts: readonly HostPort[]; readonly logger: Logger },
): Promise<boolean> {
  const queue = [...o.contacts];
  for (let asked = 0; asked < o.contacts.length * 2; asked += 1) {
    const address = queue.shift();
    if (address === undefined) return false;
    try {
      const { body } = await peers.requestAddress(
        address,
        RPC.isPermitted,
        encodeNodeId(o.nodeId),
        REQUEST_MS_MAX,
      );
      const { isPermitted, elsewhere } = decodeAnswer(body);
      if (isPermitted) return true;
      if (elsewhere !== '') queue.unshift(parseAddress(elsewhere));
    } catch (error) {
      const { host, port } = address;
      o.logger.debug('a member did not answer', { host, port, reason: asError(error).message });
    }
  }
  return false;
}

function encodeNodeId(nodeId: string): Buffer {
  return new ByteWriter().u8(FORMAT).text(nodeId).finish();
}

/** Throws `DecodeError`. */
function readNodeId(body: Buffer): string {
  const reader = new ByteReader(body);
  readFormat(reader, FORMAT, 'a permission');
  const nodeId = reader.text();
  reader.end();
  return nodeId;
}

/** Throws `DecodeError`. */
function decodeAnswer(body: Buffer): { readonly isPermitted: boolean; readonly elsewhere: string } {
  const reader = new ByteReader(body);
  readFormat(reader, FORMAT, 'the answer about a permission');
  const answer = { isPermitted: reader.bool(), elsewhere: reader.text() };
  reader.end();
  return answer;
}
