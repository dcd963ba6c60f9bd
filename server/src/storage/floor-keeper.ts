import { asError, type Clock, type Timer } from '../base/index.ts';
import { encodeFloor, type Floor, type FloorVote, type KnownStore } from './floor.ts';

/** How far the sequence and what is known of other stores may lag on the disk. Votes never do. */
const SAVE_PERIOD_MS = 1_000;
/** Stores of others that are remembered; the ones heard longest ago are forgotten first. */
const STORES_MAX = 4_096;

/**
 * Keeps the floor beside the Raft log, in a file of its own. A vote is in it before it is answered; elections are rare, so
 * that costs nothing to speak of. The sequence of the write batches and what is known of other stores follow within a
 * second: no write waits for them.
 */
export class FloorKeeper {
  readonly #write: (bytes: Buffer) => Promise<void>;
  readonly #onError: (error: Error) => void;
  readonly #timer: Timer;
  readonly #votes: Map<number, FloorVote>;
  readonly #stores: Map<string, KnownStore>;
  #sequence: number;
  #isDirty = false;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(o: {
    readonly floor: Floor;
    /** Replaces the file, durably. */
    readonly write: (bytes: Buffer) => Promise<void>;
    readonly clock: Clock;
    /** The floor cannot be written any more: the process must end. */
    readonly onError: (error: Error) => void;
  }) {
    this.#write = o.write;
    this.#onError = o.onError;
    this.#sequence = o.floor.sequence;
    this.#votes = new Map(o.floor.votes.map((vote) => [vote.group, vote]));
    this.#stores = new Map(o.floor.stores.map((store) => [store.storeUuid, store]));
    this.#timer = o.clock.every(SAVE_PERIOD_MS, () => {
      if (this.#isDirty) this.#save().catch((error: unknown) => this.#onError(asError(error)));
    });
  }

  /** Resolves when they are on disk; rejects when they cannot be: nothing they gate may leave then. */
  votes(changed: readonly FloorVote[]): Promise<void> {
    for (const vote of changed) this.#votes.set(vote.group, vote);
    return this.#save();
  }

  /** A write batch with this sequence is synced. */
  synced(sequence: number): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    this.#isDirty = true;
  }

  known(storeUuid: string): KnownStore | undefined {
    return this.#stores.get(storeUuid);
  }

  heard(store: KnownStore): void {
    this.#stores.delete(store.storeUuid);
    this.#stores.set(store.storeUuid, store);
    for (const oldest of this.#stores.keys()) {
      if (this.#stores.size <= STORES_MAX) break;
      this.#stores.delete(oldest);
    }
    this.#isDirty = true;
  }

  /** Saves what is not on disk yet. */
  async close(): Promise<void> {
    this.#timer.cancel();
    if (this.#isDirty || this.#running !== undefined) await this.#save();
  }

  /** One write at a time; everybody who comes meanwhile shares the one after it. */
  #save(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running.then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#isDirty = false;
    const votes = [...this.#votes.values()];
    const bytes = encodeFloor({ sequence: this.#sequence, votes, stores: [...this.#stores.values()] });
    // What failed is not tried again on the same file: everybody behind it fails with it.
    const running = this.#write(bytes).then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
