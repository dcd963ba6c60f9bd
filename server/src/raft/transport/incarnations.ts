import type { Hello } from './hello.ts';

const STORES_MAX = 4096;

/** Remembers the newest start of every store that a connection came from. */
export class Incarnations {
  readonly #newest = new Map<string, { readonly incarnation: number; readonly bootNonce: string }>();

  /** Why the peer must not talk: its store has been started again since, or is open twice. */
  refusalOf(peer: Hello): string | undefined {
    const known = this.#newest.get(peer.storeUuid);
    if (known === undefined || peer.incarnation > known.incarnation) return undefined;
    if (peer.incarnation < known.incarnation) {
      return `start ${peer.incarnation} of its store is over: start ${known.incarnation} was seen`;
    }
    if (peer.bootNonce === known.bootNonce) return undefined;
    return `start ${peer.incarnation} of its store was seen from another process: the disk was copied or set back`;
  }

  remember(peer: Hello): void {
    if (this.#newest.size >= STORES_MAX && !this.#newest.has(peer.storeUuid)) this.#newest.clear();
    this.#newest.set(peer.storeUuid, { incarnation: peer.incarnation, bootNonce: peer.bootNonce });
  }
}
