import { invariant } from '../base/index.ts';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from './packed.ts';

/** Bytes of one batch, lengths included. */
export const BATCH_BYTES_MAX = 1 << 30;
/** A buffer that grew above this is not kept for the next use. */
const KEPT_BYTES_MAX = 4 << 20;

const PUT = 1;
const DELETE = 2;
const DELETE_RANGE = 3;

/** One operation of a batch, for whoever applies it without RocksDB. */
export type BatchOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'delete'; readonly key: Buffer }
  | { readonly type: 'deleteRange'; readonly from: Buffer; readonly to: Buffer };

/** The packed bytes while somebody reads them; see `WriteBatch.lend`. */
export interface LentBatch {
  readonly bytes: Buffer;
  /** The reader is done; call it once. */
  release(): void;
}

/**
 * Operations that are written together or not at all, applied in their order: `u8 operation | u32 key length | key`, and
 * for a put the value, for a range its end, each with its length; little-endian.
 *
 * Keys and values are copied when they are added. The batch may be changed and used again as soon as it was handed to
 * `write`: what is being written is never touched.
 */
export class WriteBatch {
  #buffer: Buffer;
  #length = 0;
  #count = 0;
  #lent = false;

  constructor(initialBytes = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Operations. */
  get count(): number {
    return this.#count;
  }

  /** Packed size. */
  get byteLength(): number {
    return this.#length;
  }

  /** Sets the value of a key of 0 to `KEY_BYTES_MAX` bytes. */
  put(key: Uint8Array, value: Uint8Array): this {
    checkKey(key);
    invariant(value.length <= VALUE_BYTES_MAX, 'a value fits', { bytes: value.length });
    this.#begin(PUT, 9 + key.length + value.length);
    return this.#bytes(key).#bytes(value);
  }

  /** Removes a key if it is there. */
  delete(key: Uint8Array): this {
    checkKey(key);
    this.#begin(DELETE, 5 + key.length);
    return this.#bytes(key);
  }

  /** Removes every key with `from <= key < to`; `from` must not be behind `to`. */
  deleteRange(from: Uint8Array, to: Uint8Array): this {
    checkKey(from);
    checkKey(to);
    invariant(Buffer.compare(from, to) <= 0, 'a range to delete begins before it ends');
    this.#begin(DELETE_RANGE, 9 + from.length + to.length);
    return this.#bytes(from).#bytes(to);
  }

  /** Makes the batch empty for its next use. */
  clear(): void {
    if (this.#lent || this.#buffer.length > KEPT_BYTES_MAX) {
      this.#buffer = Buffer.allocUnsafeSlow(1024);
      this.#lent = false;
    }
    this.#length = 0;
    this.#count = 0;
  }

  /** The packed bytes, unchanged until `release` whatever happens to the batch. */
  lend(): LentBatch {
    const buffer = this.#buffer;
    // Two readers at once: the second one gets a copy, so that the first to release does not end the other's loan.
    if (this.#lent) return { bytes: Buffer.from(buffer.subarray(0, this.#length)), release: () => undefined };
    this.#lent = true;
    return {
      bytes: buffer.subarray(0, this.#length),
      release: () => {
        if (this.#buffer === buffer) this.#lent = false;
      },
    };
  }

  /** The operations, oldest first, as copies. */
  *operations(): Generator<BatchOperation, void, undefined> {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#length));
    let at = 0;
    const next = (): Buffer => {
      const start = at + 4;
      at = start + bytes.readUInt32LE(at);
      return bytes.subarray(start, at);
    };
    while (at < bytes.length) {
      const type = bytes.readUInt8(at);
      at += 1;
      if (type === PUT) yield { type: 'put', key: next(), value: next() };
      else if (type === DELETE) yield { type: 'delete', key: next() };
      else yield { type: 'deleteRange', from: next(), to: next() };
    }
  }

  #begin(type: number, bytes: number): void {
    this.#reserve(bytes);
    this.#buffer[this.#length] = type;
    this.#length += 1;
    this.#count += 1;
  }

  #bytes(bytes: Uint8Array): this {
    this.#buffer.writeUInt32LE(bytes.length, this.#length);
    this.#buffer.set(bytes, this.#length + 4);
    this.#length += 4 + bytes.length;
    return this;
  }

  /** Room for `bytes` more, in a buffer that nobody else reads. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    invariant(needed <= BATCH_BYTES_MAX, 'a batch fits', { needed });
    if (!this.#lent && needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#lent = false;
  }
}

function checkKey(key: Uint8Array): void {
  invariant(key.length <= KEY_BYTES_MAX, 'a key fits', { bytes: key.length });
}
