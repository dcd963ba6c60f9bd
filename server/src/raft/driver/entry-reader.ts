import type { Clock } from '../../base/index.ts';
import { untilRoom } from '../../storage/index.ts';
import type { EntriesRange } from '../core/index.ts';
import type { LogStore } from '../log/log-store.ts';
import type { Replica } from './replica.ts';

/** Read at once for one lagging replica, unless a single entry is larger. */
const READ_AHEAD_BYTES_MAX = 4 * 2 ** 20;
const READ_AHEAD_ENTRIES_MAX = 1024;

/** Brings back from the disk what a lagging follower, or a restarted state machine, needs and memory no longer holds. */
export class EntryReader {
  readonly #store: LogStore;
  readonly #clock: Clock;
  readonly #onLoaded: (replica: Replica) => void;
  readonly #onError: (error: unknown) => void;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(o: {
    readonly store: LogStore;
    readonly clock: Clock;
    readonly onLoaded: (replica: Replica) => void;
    readonly onError: (error: unknown) => void;
  }) {
    this.#store = o.store;
    this.#clock = o.clock;
    this.#onLoaded = o.onLoaded;
    this.#onError = o.onError;
  }

  /** Reads what the log of `replica` missed, one reading at a time for each replica of this node. */
  load(replica: Replica): void {
    if (replica.isLoading) return;
    const ranges = replica.log.takeMissing();
    if (ranges.length === 0) return;
    replica.isLoading = true;
    const reading = this.#read(replica, ranges).catch(this.#onError);
    this.#inFlight.add(reading);
    void reading.then(() => this.#inFlight.delete(reading));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  async #read(replica: Replica, ranges: readonly EntriesRange[]): Promise<void> {
    const { log, core } = replica;
    for (const range of ranges) {
      const to = Math.min(range.from + READ_AHEAD_ENTRIES_MAX, log.lastIndex() + 1);
      const ahead = { ...range, to: Math.max(range.to, to), bytesMax: READ_AHEAD_BYTES_MAX };
      const entries = await untilRoom(this.#clock, () => this.#store.read(log, ahead));
      log.setLoaded(range.replica, entries);
      if (replica.isClosed) return;
      core.entriesLoaded(range.replica);
    }
    replica.isLoading = false;
    this.#onLoaded(replica);
  }
}
