import type { Hello } from './hello.ts';

/** The newest start of a store that was seen, and the newest synced write batch of its Raft log that it told of. */
export interface SeenStore {
  readonly storeUuid: string;
  readonly incarnation: number;
  readonly bootNonce: string;
  readonly sequence: number;
}

/** Keeps what was seen, if possible over restarts. */
export interface StoreMemory {
  known(storeUuid: string): SeenStore | undefined;
  heard(store: SeenStore): void;
}

/** Notices stores that come back older than they were: disks that were set back, or copied. */
export class Incarnations {
  readonly #memory: StoreMemory;

  constructor(memory: StoreMemory) {
    this.#memory = memory;
  }

  /** What the store of a peer has forgotten, in words; undefined when nothing that was seen here. */
  lossOf(peer: Hello): string | undefined {
    const seen = this.#memory.known(peer.storeUuid);
    if (seen === undefined) return undefined;
    const { incarnation, sequence } = peer;
    if (incarnation < seen.incarnation)
      return `start ${incarnation} of its store is over: start ${seen.incarnation} was seen`;
    if (incarnation === seen.incarnation && peer.bootNonce !== seen.bootNonce)
      return `start ${incarnation} of its store was seen from another process: the disk was copied or set back`;
    // The same process never goes back: what it said in this handshake may be older than what another connection has told.
    const isSameStart = incarnation === seen.incarnation;
    if (!isSameStart && sequence < seen.sequence)
      return `its Raft log ends at write ${sequence}, write ${seen.sequence} was seen: the disk was set back`;
    return undefined;
  }

  remember({ storeUuid, incarnation, bootNonce, sequence }: Hello): void {
    const highest = Math.max(sequence, this.#memory.known(storeUuid)?.sequence ?? 0);
    this.#memory.heard({ storeUuid, incarnation, bootNonce, sequence: highest });
  }

  /** A connected peer has synced a further write batch. */
  advanced({ storeUuid }: Hello, sequence: number): void {
    const seen = this.#memory.known(storeUuid);
    if (seen !== undefined && sequence > seen.sequence) this.#memory.heard({ ...seen, sequence });
  }
}

/** Forgets everything with the process. */
export class VolatileMemory implements StoreMemory {
  readonly #stores = new Map<string, SeenStore>();

  known(storeUuid: string): SeenStore | undefined {
    return this.#stores.get(storeUuid);
  }

  heard(store: SeenStore): void {
    this.#stores.set(store.storeUuid, store);
  }
}
