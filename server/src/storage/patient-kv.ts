import type { Clock } from '../base/index.ts';
import type { KvEntry, KvRange, WriteBatch } from '../native/index.ts';
import type { IterateOptions, KvStore } from './kv-store.ts';
import { untilRoom } from './room.ts';

/**
 * A store for work that must not be refused, such as writing the log: where the bounded queues of `kv` are full
 * (`KV_BUSY`, `POOL_FULL`: nothing has happened) it waits for room. A write must have ended before the next one is called
 * and before its batch is changed: only then does waiting not change their order.
 */
export class PatientKv implements KvStore {
  readonly #kv: KvStore;
  readonly #clock: Clock;

  constructor(kv: KvStore, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    return untilRoom(this.#clock, () => this.#kv.write(batch, options));
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return untilRoom(this.#clock, () => this.#kv.get(key));
  }

  multiGet(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return untilRoom(this.#clock, () => this.#kv.multiGet(keys));
  }

  /** Not patient: between two chunks nobody can begin anew. Who iterates repeats the whole of it with `untilRoom`. */
  iterate(range: KvRange, options?: IterateOptions): AsyncIterable<KvEntry[]> {
    return this.#kv.iterate(range, options);
  }

  flush(): Promise<void> {
    return untilRoom(this.#clock, () => this.#kv.flush());
  }

  checkpoint(directory: string): Promise<void> {
    return untilRoom(this.#clock, () => this.#kv.checkpoint(directory));
  }

  property(name: string): string | undefined {
    return this.#kv.property(name);
  }

  cacheCounts(): { readonly hits: number; readonly misses: number } {
    return this.#kv.cacheCounts();
  }

  close(): Promise<void> {
    return this.#kv.close();
  }
}
