import { asError, type Clock } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { parseAddress } from './addresses.ts';
import { decodeDescription, RPC } from './formation-messages.ts';
import type { KnownMap } from './known-map.ts';
import { Periodic } from './periodic.ts';
import type { Peers } from './ports.ts';
import type { HeardStatus } from './status-exchange.ts';
import type { Member } from './types.ts';

const PERIOD_MS = 1_000;
const REQUEST_MS_MAX = 1_000;

interface MapExchangeDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly peers: Peers;
  readonly known: KnownMap;
  /** The other members, as this node knows them. */
  readonly others: () => readonly Member[];
  readonly heard: () => ReadonlyMap<string, HeardStatus>;
  readonly onFatal: (error: Error) => void;
}

/**
 * Asks members for the map that they know: those that are not connected, and those that know a newer one than this node,
 * whose own replica of `meta` may be damaged. Two members that know each other by outdated stores
 * would refuse each other for ever otherwise, also when together they are the majority that could tell them.
 */
export class MapExchange {
  readonly #deps: MapExchangeDeps;
  readonly #rounds: Periodic;

  constructor(deps: MapExchangeDeps) {
    this.#deps = deps;
    this.#rounds = new Periodic({
      clock: deps.clock,
      periodMs: PERIOD_MS,
      run: () => this.#round(),
      onError: deps.onFatal,
    });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #round(): Promise<void> {
    const { peers, others, heard, known } = this.#deps;
    const statuses = heard();
    const version = known.map?.version ?? 0;
    const asked = others().filter(({ nodeId }) => {
      return !peers.isConnected(nodeId) || (statuses.get(nodeId)?.status.mapVersion ?? 0) > version;
    });
    await Promise.all(asked.map((member) => this.#ask(member)));
  }

  async #ask({ nodeId, raftAddress }: Member): Promise<void> {
    const { peers, known, logger } = this.#deps;
    try {
      const address = parseAddress(raftAddress);
      const { body } = await peers.requestAddress(address, RPC.describe, Buffer.alloc(0), REQUEST_MS_MAX);
      const { map } = decodeDescription(body);
      if (map !== undefined) known.learn(map);
    } catch (error) {
      // Out of reach, or of another version: it is asked again.
      logger.debug('a member did not show its map', { peer: nodeId, reason: asError(error).message });
    }
  }
}
