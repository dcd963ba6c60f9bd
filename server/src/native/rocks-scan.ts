import { invariant } from '../base/index.ts';
import { halfOpen, isEmptyRange, type KvRange } from './key-range.ts';
import { type DatabaseHandle, kvAddon, type ScanHandle } from './kv-addon.ts';
import { KvError, settled } from './kv-error.ts';
import { type KvEntry, unpackEntries } from './packed.ts';
import type { RocksDb } from './rocks-db.ts';

export interface ScanChunk {
  /** Views of one shared buffer: copy what is kept for long. */
  readonly entries: KvEntry[];
  /** Nothing follows; the scan has freed itself. */
  readonly done: boolean;
}

/** A range of keys as of one moment. Made by `RocksDb.scan`; holds table files on disk until it is done or closed. */
export class RocksScan {
  /** Keeps the database from being collected, and thereby closed, while only its scan is in use. */
  readonly database: RocksDb;
  readonly #opened: Promise<ScanHandle> | undefined;
  #done = false;

  constructor(database: RocksDb, handle: DatabaseHandle, range: KvRange) {
    this.database = database;
    const { lower, upper } = halfOpen(range);
    if (isEmptyRange({ lower, upper })) return;
    this.#opened = settled(
      kvAddon().kvScan(handle, lower, upper, range.reverse ?? false, range.keysOnly ?? false),
    );
    // Reported by `next`; a scan that is never read reports nothing.
    this.#opened.catch(() => undefined);
  }

  /**
   * The next entries: at least one unless done, at most `entriesMax`, ending with the one that reaches `bytesMax`.
   * One call at a time (`KV_BUSY`).
   */
  async next(limits: { readonly entriesMax: number; readonly bytesMax: number }): Promise<ScanChunk> {
    invariant(limits.entriesMax >= 1 && limits.bytesMax >= 1, 'a chunk has room for an entry', limits);
    if (this.#opened === undefined || this.#done) return { entries: [], done: true };
    const handle = await this.#opened;
    const { chunk, done } = await settled(kvAddon().kvScanNext(handle, limits.entriesMax, limits.bytesMax));
    this.#done = done;
    return { entries: unpackEntries(chunk), done };
  }

  /** Frees it; not while `next` is under way. Nothing to do after the end, or when opening failed. */
  async close(): Promise<void> {
    if (this.#opened === undefined || this.#done) return;
    this.#done = true;
    const handle = await this.#opened.catch(() => undefined);
    if (handle === undefined) return;
    try {
      await settled(kvAddon().kvScanClose(handle));
    } catch (thrown) {
      // Closing the database has freed it.
      if (!(thrown instanceof KvError && thrown.code === 'KV_CLOSED')) throw thrown;
    }
  }
}
