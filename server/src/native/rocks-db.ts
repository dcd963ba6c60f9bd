import { invariant } from '../base/index.ts';
import { type DatabaseHandle, kvAddon } from './kv-addon.ts';
import { KvError, settled } from './kv-error.ts';
import type { KvRange } from './key-range.ts';
import { KEY_BYTES_MAX, packKeys, unpackValues } from './packed.ts';
import { RocksScan } from './rocks-scan.ts';
import type { WriteBatch } from './write-batch.ts';

export interface RocksDbOptions {
  /**
   * `log`: a verified write-ahead log; what was written with `sync` survives any crash.
   * `data`: no write-ahead log; what a completed `flush` covers survives, and after a crash the store holds what some
   * first part of the writes made of it.
   */
  readonly profile: 'log' | 'data';
  /** Default true. */
  readonly createIfMissing?: boolean;
  /** Default false. */
  readonly errorIfExists?: boolean;
  /** Bytes of this database's block cache, index and filter blocks included. */
  readonly cacheBytes: number;
  /** Bytes of all memtables together, at least 128 KiB. */
  readonly writeBufferBytes: number;
  readonly compression: 'none' | 'lz4' | 'zstd';
  /** File descriptors for tables; the default 200 leaves room for sockets and a second database below 1,024. */
  readonly maxOpenFiles?: number;
}

export const WRITE_BUFFER_BYTES_MIN = 128 << 10;
const MAX_OPEN_FILES_DEFAULT = 200;

/**
 * One open RocksDB. Calls may overlap; a failed one rejects with `KvError`, and calls after `close` with `KV_CLOSED`.
 * A handle that nobody closed is closed some time after the garbage collector took it, and when its thread ends.
 */
export class RocksDb {
  readonly #handle: DatabaseHandle;
  readonly #profile: 'log' | 'data';
  #closed: Promise<void> | undefined;

  private constructor(handle: DatabaseHandle, profile: 'log' | 'data') {
    this.#handle = handle;
    this.#profile = profile;
  }

  /** Creates missing directories, but only the last one of `path`. `KV_LOCKED` when another process has it open. */
  static async open(path: string, options: RocksDbOptions): Promise<RocksDb> {
    invariant(options.cacheBytes >= 0, 'a cache has a size', { cacheBytes: options.cacheBytes });
    invariant(options.writeBufferBytes >= WRITE_BUFFER_BYTES_MIN, 'write buffers have a useful size', {
      writeBufferBytes: options.writeBufferBytes,
    });
    const defaults = { createIfMissing: true, errorIfExists: false, maxOpenFiles: MAX_OPEN_FILES_DEFAULT };
    const handle = await settled(kvAddon().kvOpen(path, { ...defaults, ...options }));
    return new RocksDb(handle, options.profile);
  }

  /**
   * Applies the batch or, after a failure, none of it that will be acknowledged; writes take place in the order of their
   * calls. `sync` (profile `log` only): resolved when the batch is on disk. `KV_BUSY`: too many or too large writes wait.
   * After a failed write or flush no later write is tried: `KV_POISONED`.
   */
  async write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    if (options.sync && this.#profile === 'data') {
      throw new KvError(
        'KV_INVALID_ARGUMENT',
        'without a write-ahead log a write cannot be synced: use flush()',
      );
    }
    const lent = batch.lend();
    try {
      await settled(kvAddon().kvWrite(this.#handle, lent.bytes, options.sync));
    } finally {
      lent.release();
    }
  }

  /** The value as of some moment between call and answer, a copy of its own. */
  get(key: Buffer): Promise<Buffer | undefined> {
    invariant(key.length <= KEY_BYTES_MAX, 'a key fits', { bytes: key.length });
    return settled(kvAddon().kvGet(this.#handle, key));
  }

  /** The values in the order of the keys; views of one shared buffer: copy what is kept for long. */
  async multiGet(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return unpackValues(await settled(kvAddon().kvMultiGet(this.#handle, packKeys(keys))));
  }

  /** The range as every write called before made it, and none called later. */
  scan(range: KvRange): RocksScan {
    return new RocksScan(this, this.#handle, range);
  }

  /** Resolved when every write that had completed before the call is in table files on disk. */
  flush(): Promise<void> {
    return settled(kvAddon().kvFlush(this.#handle));
  }

  /** A copy that can be opened, in a directory that must not exist yet; hard links where the file system has them. */
  checkpoint(directory: string): Promise<void> {
    return settled(kvAddon().kvCheckpoint(this.#handle, directory));
  }

  /** A RocksDB property such as `rocksdb.estimate-num-keys`; undefined when there is none of this name, or closed. */
  property(name: string): string | undefined {
    return kvAddon().kvProperty(this.#handle, name);
  }

  /** Look-ups in the block cache since the database was opened; zeros when it is closed. */
  cacheCounts(): { hits: number; misses: number } {
    const [hits, misses] = kvAddon().kvCacheCounts(this.#handle);
    return { hits, misses };
  }

  /** Waits for the calls under way, then closes; may be called again. */
  close(): Promise<void> {
    this.#closed ??= settled(kvAddon().kvClose(this.#handle));
    return this.#closed;
  }
}
