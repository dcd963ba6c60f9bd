import { dirname } from 'node:path';
import { type KvEntry, type KvRange, RocksDb, type RocksScan, type WriteBatch } from '../native/index.ts';
import { syncDirectory } from './durable-file.ts';
import {
  CHUNK_BYTES_DEFAULT,
  CHUNK_ENTRIES_MAX,
  type IterateOptions,
  type KvProfile,
  type KvStore,
} from './kv-store.ts';
import { Poison } from './poison.ts';

export interface RocksKvOptions {
  /** The parent directory must exist. */
  readonly path: string;
  readonly profile: KvProfile;
  /** Bytes of the block cache of this store. */
  readonly cacheBytes: number;
  /** Bytes of all its memtables. */
  readonly writeBufferBytes: number;
  readonly compression: boolean;
  /** The store has failed for good; called once, before the call that found out rejects. */
  readonly onFailure?: (error: Error) => void;
}

/** The calls of `RocksDb` that a store makes. */
export type Database = Pick<RocksDb, keyof RocksDb>;

/** Opens a store, or makes one. Rejects with `KvError`: `KV_CORRUPTION` when the log has a hole, `KV_LOCKED`. */
export async function openRocksKv(options: RocksKvOptions): Promise<KvStore> {
  const db = await RocksDb.open(options.path, {
    profile: options.profile,
    cacheBytes: options.cacheBytes,
    writeBufferBytes: options.writeBufferBytes,
    compression: options.compression ? 'lz4' : 'none',
  });
  // RocksDB syncs its directory, not the entry that leads to it.
  await syncDirectory(dirname(options.path));
  return new RocksKv(db, options.onFailure);
}

/** The store over an open database; tests hand in one that fails. */
export class RocksKv implements KvStore {
  readonly #db: Database;
  readonly #poison: Poison;

  constructor(db: Database, onFailure?: (error: Error) => void) {
    this.#db = db;
    this.#poison = new Poison(onFailure);
  }

  write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    return this.#poison.changing(() => this.#db.write(batch, options));
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#poison.reading(() => this.#db.get(key));
  }

  multiGet(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#poison.reading(() => this.#db.multiGet(keys));
  }

  iterate(range: KvRange, options: IterateOptions = {}): AsyncIterable<KvEntry[]> {
    // Opened now and not with the first chunk: the range is as of this call.
    return this.#chunks(this.#db.scan(range), options);
  }

  flush(): Promise<void> {
    return this.#poison.changing(() => this.#db.flush());
  }

  checkpoint(directory: string): Promise<void> {
    return this.#poison.reading(() => this.#db.checkpoint(directory));
  }

  property(name: string): string | undefined {
    return this.#db.property(name);
  }

  cacheCounts(): { hits: number; misses: number } {
    return this.#db.cacheCounts();
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async *#chunks(scan: RocksScan, options: IterateOptions): AsyncGenerator<KvEntry[], void, undefined> {
    const bytesMax = options.chunkBytes ?? CHUNK_BYTES_DEFAULT;
    let left = options.limit ?? Infinity;
    try {
      while (left > 0) {
        const entriesMax = Math.min(left, CHUNK_ENTRIES_MAX);
        const { entries, done } = await this.#poison.reading(() => scan.next({ entriesMax, bytesMax }));
        if (entries.length > 0) yield entries;
        if (done) return;
        left -= entries.length;
      }
    } finally {
      await scan.close();
    }
  }
}
