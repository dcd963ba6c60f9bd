import { invariant } from '../base/index.ts';

/** Bytes of an id key. */
export const INDEX_ID_BYTES_MAX = 520;
/** Bytes of one packed batch. */
export const INDEX_BATCH_BYTES_MAX = 256 << 20;

const UPSERT = 1;
const REMOVE = 2;
const DROP_SHARD = 3;
const VALUES = 4;
const DROP_FIELD = 5;
const FIELD_BYTES = 6;
/** Before the id. */
const FIXED_BYTES = 18;
const INITIAL_BYTES = 4096;
const NO_POINT: SlotAddress = { shard: 0, generation: 0, version: 0, id: Buffer.alloc(0) };

/** A point of a shard, as of the log entry `version`. */
export interface SlotAddress {
  /** 0 to 65,535. */
  readonly shard: number;
  /** Of the shard's data on this node; 0 to 2^32 - 1. */
  readonly generation: number;
  /** 0 to 2^53 - 1. */
  readonly version: number;
  /** The canonical id key, at most `INDEX_ID_BYTES_MAX` bytes. */
  readonly id: Buffer;
}

/**
 * Changes to a vector index, in order, packed as they are added: `u8 change | u8 is integer | u16 shard | u32 generation |
 * u64 version | u16 id bytes | id | more`, little-endian; more is the vector of an upsert, `u16 field | u32 bytes | values` of
 * values, `u16 field` of a field to drop. What is added is copied. A
 * batch may be added to and applied again, also while it is being applied.
 */
export class IndexBatch {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = 0;
  #count = 0;
  #lent = false;

  /** Changes. */
  get count(): number {
    return this.#count;
  }

  /** Packed size. */
  get byteLength(): number {
    return this.#length;
  }

  /**
   * Puts the point into the index; it replaces the slot of the same shard and id unless that one has the same
   * generation and a higher version. `isInteger`: the id was given as a number, which hits tell. `vector`: finite numbers of the index's dimension, in a buffer as little-endian
   * float32.
   */
  upsert(o: SlotAddress & { readonly vector: Float32Array | Buffer; readonly isInteger?: boolean }): void {
    const { vector } = o;
    const bytes = Buffer.isBuffer(vector)
      ? vector
      : new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
    this.#begin(UPSERT, o, bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * Adds values of a field to the slot of this point, when that has exactly this generation and version. `values`: packed as
   * `server/native/src/search/fields/field-index.h` says.
   */
  values(o: SlotAddress & { readonly field: number; readonly values: Buffer }): void {
    const { field, values } = o;
    this.#begin(VALUES, o, FIELD_BYTES + values.length);
    this.#length = this.#buffer.writeUInt16LE(field, this.#length);
    this.#length = this.#buffer.writeUInt32LE(values.length, this.#length);
    this.#buffer.set(values, this.#length);
    this.#length += values.length;
  }

  /** Forgets all values of a field. */
  dropField(field: number): void {
    this.#begin(DROP_FIELD, NO_POINT, FIELD_BYTES);
    this.#length = this.#buffer.writeUInt16LE(field, this.#length);
  }

  /** Removes the slot of this shard and id unless it has the same generation and a higher version. */
  remove(o: SlotAddress): void {
    this.#begin(REMOVE, o, 0);
  }

  /** Removes every slot of the shard, of all generations. */
  dropShard(shard: number): void {
    this.#begin(DROP_SHARD, { ...NO_POINT, shard }, 0);
  }

  /** The packed bytes, which are never written again. */
  lend(): Buffer {
    this.#lent = true;
    return this.#buffer.subarray(0, this.#length);
  }

  #begin(
    change: number,
    { shard, generation, version, id, isInteger }: SlotAddress & { readonly isInteger?: boolean },
    moreBytes: number,
  ): void {
    invariant(shard >= 0 && shard <= 0xffff, 'a shard has 16 bits', { shard });
    invariant(Number.isSafeInteger(version) && version >= 0, 'a version has 53 bits', { version });
    invariant(id.length <= INDEX_ID_BYTES_MAX, 'an id key fits', { bytes: id.length });
    this.#reserve(FIXED_BYTES + id.length + moreBytes);
    const buffer = this.#buffer;
    let at = buffer.writeUInt8(change, this.#length);
    at = buffer.writeUInt8(isInteger === true ? 1 : 0, at);
    at = buffer.writeUInt16LE(shard, at);
    at = buffer.writeUInt32LE(generation, at);
    at = buffer.writeUInt32LE(version >>> 0, at);
    at = buffer.writeUInt32LE(Math.floor(version / 2 ** 32), at);
    at = buffer.writeUInt16LE(id.length, at);
    buffer.set(id, at);
    this.#length = at + id.length;
    this.#count += 1;
  }

  /** Room for `bytes` more, in a buffer that nobody else reads. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    invariant(needed <= INDEX_BATCH_BYTES_MAX, 'a batch fits', { needed });
    const { length } = this.#buffer;
    if (!this.#lent && needed <= length) return;
    const grown = Buffer.allocUnsafeSlow(needed <= length ? length : Math.max(needed, length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#lent = false;
  }
}
