import { invariant } from '../base/index.ts';
import {
  type BatchOperation,
  halfOpen,
  type KvEntry,
  KvError,
  type KvRange,
  type WriteBatch,
} from '../native/index.ts';
import {
  CHUNK_BYTES_DEFAULT,
  CHUNK_ENTRIES_MAX,
  type IterateOptions,
  type KvProfile,
  type KvStore,
} from './kv-store.ts';
import { Poison } from './poison.ts';
import { SortedMap } from './sorted-map.ts';

const NOTHING = Buffer.alloc(0);

interface Fault {
  readonly error: Error;
  readonly survives: boolean;
}

/**
 * The twin of the RocksDB store for tests and the simulator: the same contract, and a disk that can crash and fail.
 * A write takes effect at its call and completes in a later microtask.
 */
export class MemoryKv implements KvStore {
  readonly profile: KvProfile;
  readonly #poison = new Poison();
  readonly #checkpoints = new Map<string, SortedMap>();
  /** What a crash leaves. */
  #durable: SortedMap;
  /** What reads see. */
  #visible: SortedMap;
  /** Written since: a crash keeps some first part of them. */
  #volatile: BatchOperation[][] = [];
  #fault: Fault | undefined;
  #closed = false;

  constructor(profile: KvProfile = 'log', content = new SortedMap()) {
    this.profile = profile;
    this.#durable = content;
    this.#visible = content.copy();
  }

  /** Batches that a crash may lose. */
  get volatileBatches(): number {
    return this.#volatile.length;
  }

  /**
   * The next write rejects with `error` and poisons the store. With `survives` it is found after a crash all the same,
   * as after a sync that failed when the bytes were already on the disk.
   */
  failNextWrite(fault: { readonly error?: Error; readonly survives?: boolean } = {}): void {
    const error = fault.error ?? new KvError('KV_IO_ERROR', 'injected', { code: 5, subcode: 0, severity: 0 });
    this.#fault = { error, survives: fault.survives ?? false };
  }

  /**
   * Ends this store as a crash of the machine does; the answer is what a restart finds: everything durable and the first
   * `keptBatches` of the volatile ones.
   */
  crash(options: { readonly keptBatches?: number } = {}): MemoryKv {
    this.#closed = true;
    for (const operations of this.#volatile.slice(0, options.keptBatches ?? 0))
      apply(this.#durable, operations);
    return new MemoryKv(this.profile, this.#durable);
  }

  /** After `close`: the same store, opened again. */
  reopen(): MemoryKv {
    invariant(this.#closed, 'a store is closed before it is opened again');
    return this.crash({ keptBatches: this.#volatile.length });
  }

  /** What `checkpoint` left under this name. */
  openCheckpoint(directory: string): MemoryKv {
    const content = this.#checkpoints.get(directory);
    invariant(content !== undefined, 'a checkpoint of this name was made', { directory });
    return new MemoryKv(this.profile, content.copy());
  }

  write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    // Copied before anything else: the caller may change the batch as soon as this returns.
    const operations = [...batch.operations()];
    return this.#poison.changing(() => {
      this.#checkOpen();
      if (options.sync && this.profile === 'data') {
        throw new KvError('KV_INVALID_ARGUMENT', 'without a write-ahead log a write cannot be synced');
      }
      this.#takeFault(operations);
      this.#volatile.push(operations);
      apply(this.#visible, operations);
      if (options.sync) this.#persist();
      return Promise.resolve();
    });
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#reading(() => this.#copyOf(key));
  }

  multiGet(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#reading(() => keys.map((key) => this.#copyOf(key)));
  }

  iterate(range: KvRange, options: IterateOptions = {}): AsyncIterable<KvEntry[]> {
    const rows = this.#visible.rows(halfOpen(range));
    if (range.reverse === true) rows.reverse();
    return this.#chunks(rows, range.keysOnly ?? false, options);
  }

  flush(): Promise<void> {
    return this.#poison.changing(() => {
      this.#checkOpen();
      this.#takeFault([]);
      this.#persist();
      return Promise.resolve();
    });
  }

  checkpoint(directory: string): Promise<void> {
    return this.#reading(() => {
      if (this.#checkpoints.has(directory)) throw new KvError('KV_INVALID_ARGUMENT', 'the directory exists');
      this.#checkpoints.set(directory, this.#visible.copy());
    });
  }

  property(name: string): string | undefined {
    if (this.#closed || name !== 'rocksdb.estimate-num-keys') return undefined;
    return String(this.#visible.size);
  }

  cacheCounts(): { hits: number; misses: number } {
    return { hits: 0, misses: 0 };
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async *#chunks(
    rows: readonly KvEntry[],
    keysOnly: boolean,
    options: IterateOptions,
  ): AsyncGenerator<KvEntry[], void, undefined> {
    const bytesMax = options.chunkBytes ?? CHUNK_BYTES_DEFAULT;
    const end = Math.min(rows.length, options.limit ?? Infinity);
    let at = 0;
    // Asked at least once, so that an empty range of a closed store is refused too.
    do {
      const chunk = await this.#reading(() => {
        const entries: KvEntry[] = [];
        for (let bytes = 0; at < end && bytes < bytesMax && entries.length < CHUNK_ENTRIES_MAX; at += 1) {
          const { key, value } = rows[at] as KvEntry;
          entries.push({ key: Buffer.from(key), value: keysOnly ? NOTHING : Buffer.from(value) });
          bytes += key.length + (keysOnly ? 0 : value.length);
        }
        return entries;
      });
      if (chunk.length > 0) yield chunk;
    } while (at < end);
  }

  #reading<T>(read: () => T): Promise<T> {
    return this.#poison.reading(() => {
      this.#checkOpen();
      return Promise.resolve(read());
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new KvError('KV_CLOSED', 'the store is closed');
  }

  #takeFault(operations: BatchOperation[]): void {
    if (this.#fault === undefined) return;
    const { error, survives } = this.#fault;
    this.#fault = undefined;
    if (survives) {
      this.#volatile.push(operations);
      this.#persist();
    }
    throw error;
  }

  #persist(): void {
    for (const operations of this.#volatile) apply(this.#durable, operations);
    this.#volatile = [];
  }

  #copyOf(key: Buffer): Buffer | undefined {
    const value = this.#visible.get(key);
    return value && Buffer.from(value);
  }
}

function apply(to: SortedMap, operations: readonly BatchOperation[]): void {
  for (const operation of operations) {
    switch (operation.type) {
      case 'put':
        to.set(operation.key, operation.value);
        break;
      case 'delete':
        to.deleteRange(halfOpen({ gte: operation.key, lte: operation.key }));
        break;
      case 'deleteRange':
        to.deleteRange({ lower: operation.from, upper: operation.to });
        break;
    }
  }
}
