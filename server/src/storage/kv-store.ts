import type { KvEntry, KvRange, WriteBatch } from '../native/index.ts';

/** What a chunk of `iterate` holds when the caller does not say. */
export const CHUNK_BYTES_DEFAULT = 1 << 20;
/** Entries of one chunk, so that unpacking one stays short. */
export const CHUNK_ENTRIES_MAX = 4096;

/**
 * What a write promises after a crash. `log`: what was written with `sync`, and everything before it, is there; later
 * writes may be, in order. `data`: the store is as some first part of all writes made it, and everything that had
 * completed before a completed `flush` is in that part.
 */
export type KvProfile = 'log' | 'data';

export interface IterateOptions {
  /** A chunk ends with the entry that reaches this; default 1 MiB. */
  readonly chunkBytes?: number;
  /** Entries in all. */
  readonly limit?: number;
}

/**
 * Keys and values in the order of the keys' bytes. Two implementations keep one contract (`kv-contract.ts`): `openRocksKv`
 * and `MemoryKv`.
 *
 * A storage error is final: after a failed write or flush, or an answer that says the disk is broken, every call except
 * `close` rejects with `PoisonedError`. After `close` they reject with `KvError` `KV_CLOSED`. A refusal for lack of room
 * (`KV_BUSY`, `POOL_FULL`) is not a failure: nothing has happened.
 */
export interface KvStore {
  /**
   * All of the batch or nothing; writes take effect and complete in the order of the calls. `sync`: resolved when it is on
   * disk, together with all writes before; only with profile `log`. The batch may be changed once this was called.
   */
  write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void>;

  /** Sees at least every write that had completed before the call. */
  get(key: Buffer): Promise<Buffer | undefined>;

  /** In the order of `keys`, all as of one moment. The values may be views of one buffer: copy what is kept for long. */
  multiGet(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>;

  /**
   * The range as every write called before made it, and none called later, in chunks that are never empty. Leaving the
   * loop early frees it. Entries may be views of the chunk's buffer: copy what is kept for long.
   */
  iterate(range: KvRange, options?: IterateOptions): AsyncIterable<KvEntry[]>;

  /** Resolved when every write that had completed before the call is on disk. */
  flush(): Promise<void>;

  /** A copy of the store, as of a moment between call and answer, in a directory that must not exist yet. */
  checkpoint(directory: string): Promise<void>;

  /** A property of RocksDB, such as `rocksdb.estimate-num-keys`; undefined when it is not known. */
  property(name: string): string | undefined;

  /** Look-ups in the block cache since the store was opened; zeros where there is none. */
  cacheCounts(): { readonly hits: number; readonly misses: number };

  /** Waits for the calls under way; may be called again. Keeps everything that was written, synced or not. */
  close(): Promise<void>;
}
