import type { KvStore } from '../storage/index.ts';
import { decodeJournalRow, type JournalRow } from './journal.ts';
import {
  type CollectionSlice,
  idKeyOf,
  journalIndexOf,
  journalRange,
  parseShardStateKey,
  type PointAddress,
  pointKey,
  retryOrderIndexOf,
  retryOrderRange,
  shardStateRange,
  type ShardGeneration,
  sliceRange,
} from './keys.ts';
import { decodeRetryPlace, decodeRetryRow, type RetryPlace, type RetryRow } from './retry-row.ts';
import { decodeShardState, type ShardState } from './shard-state.ts';
import { decodePointValue, type StoredPoint } from './stored-point.ts';

/** Keys of one multi-get at most, so that many winners with large payloads are never in memory twice. */
const READ_KEYS_MAX = 256;

/** Reads of the tables of `data/`. Rows that do not decode throw `DecodeError`: the store is damaged. */
export class PointStore {
  readonly #kv: KvStore;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** One answer per key, in order; 0: nothing is stored. */
  async versions(keys: readonly Buffer[]): Promise<number[]> {
    const answers: number[] = [];
    for (let at = 0; at < keys.length; at += READ_KEYS_MAX) {
      const values = await this.#kv.multiGet(keys.slice(at, at + READ_KEYS_MAX));
      for (const value of values) answers.push(value === undefined ? 0 : decodePointValue(value).version);
    }
    return answers;
  }

  async get(address: PointAddress): Promise<StoredPoint | undefined> {
    return storedPoint(address, await this.#kv.get(pointKey(address)));
  }

  /** Calls `visit` for every address, in order; undefined where nothing is stored. Reads in bounded chunks. */
  async visit(
    addresses: readonly PointAddress[],
    visit: (point: StoredPoint | undefined, position: number) => void,
  ): Promise<void> {
    for (let at = 0; at < addresses.length; at += READ_KEYS_MAX) {
      const chunk = addresses.slice(at, at + READ_KEYS_MAX);
      const values = await this.#kv.multiGet(chunk.map(pointKey));
      chunk.forEach((address, position) => visit(storedPoint(address, values[position]), at + position));
    }
  }

  /** One answer per address, in order. */
  async getMany(addresses: readonly PointAddress[]): Promise<(StoredPoint | undefined)[]> {
    const points: (StoredPoint | undefined)[] = [];
    await this.visit(addresses, (point) => points.push(point));
    return points;
  }

  /** Points of a slice in id order, as of this call. */
  scan(
    slice: CollectionSlice,
    options: {
      readonly after?: Buffer | undefined;
      readonly limit?: number;
      readonly chunkBytes?: number;
    } = {},
  ): AsyncIterable<StoredPoint[]> {
    const { after, ...limits } = options;
    const chunks = this.#kv.iterate(sliceRange(slice, after), limits);
    return mapChunks(chunks, ({ key, value }) => ({
      idKey: idKeyOf(key),
      shard: slice.shard,
      ...decodePointValue(value),
    }));
  }

  /** Journal rows with `after < index <= upTo`, ascending, as of this call. */
  journal(
    at: ShardGeneration,
    rows: { readonly after: number; readonly upTo: number },
  ): AsyncIterable<JournalRow[]> {
    const chunks = this.#kv.iterate(journalRange(at, rows));
    return mapChunks(chunks, ({ key, value }) => decodeJournalRow(journalIndexOf(key), value));
  }

  /** One answer per key, in order. */
  async retryRows(keys: readonly Buffer[]): Promise<(RetryRow | undefined)[]> {
    const values = await this.#kv.multiGet(keys);
    return values.map((value) => (value === undefined ? undefined : decodeRetryRow(Buffer.from(value))));
  }

  /** The places that were made first, at most `limit`. */
  async oldestRetries(at: ShardGeneration, limit: number): Promise<RetryPlace[]> {
    const places: RetryPlace[] = [];
    for await (const chunk of this.#kv.iterate(retryOrderRange(at), { limit })) {
      for (const { key, value } of chunk)
        places.push(decodeRetryPlace(retryOrderIndexOf(key), Buffer.from(value)));
    }
    return places;
  }

  /** The states of all shards and generations that were ever written here. */
  async shardStates(): Promise<ShardState[]> {
    const states: ShardState[] = [];
    for await (const chunk of this.#kv.iterate(shardStateRange())) {
      for (const { key, value } of chunk) states.push(decodeShardState(parseShardStateKey(key), value));
    }
    return states;
  }
}

function storedPoint(address: PointAddress, value: Buffer | undefined): StoredPoint | undefined {
  if (value === undefined) return undefined;
  return { idKey: address.idKey, shard: address.shard, ...decodePointValue(value) };
}

/** The source is opened by the caller, so that it is as of that call and not as of the first chunk. */
async function* mapChunks<A, B>(chunks: AsyncIterable<A[]>, map: (item: A) => B): AsyncIterable<B[]> {
  for await (const chunk of chunks) yield chunk.map(map);
}
