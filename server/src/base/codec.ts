import { invariant } from './invariant.ts';

/** Thrown when bytes from a disk or a peer do not decode; the caller decides what it means. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Appends fixed-width little-endian fields and length-prefixed bytes to a growing buffer. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#length = this.#buffer.writeUInt8(value, this.#length);
    return this;
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16LE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
    return this;
  }

  /** An unsigned integer up to 2^53-1 in eight bytes. */
  u53(value: number): this {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a u53 is a safe unsigned integer', { value });
    this.#reserve(8);
    this.#buffer.writeUInt32LE(value % 2 ** 32, this.#length);
    this.#buffer.writeUInt32LE(Math.floor(value / 2 ** 32), this.#length + 4);
    this.#length += 8;
    return this;
  }

  f64(value: number): this {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
    return this;
  }

  /** The bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A u32 length, then the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** A u32 length, then UTF-8. */
  text(value: string): this {
    const bytes = Buffer.byteLength(value);
    this.u32(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length);
    return this;
  }

  /** What was written, as a view of the writer's buffer; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** Reads what `ByteWriter` wrote; throws `DecodeError` past the end. Byte fields are views, not copies. */
export class ByteReader {
  readonly #buffer: Buffer;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#buffer.length - this.#offset;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  bool(): boolean {
    return this.u8() !== 0;
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  u53(): number {
    const at = this.#take(8);
    const value = this.#buffer.readUInt32LE(at + 4) * 2 ** 32 + this.#buffer.readUInt32LE(at);
    if (!Number.isSafeInteger(value)) throw new DecodeError(`integer above 2^53-1 at offset ${String(at)}`);
    return value;
  }

  f64(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  bytes(): Buffer {
    return this.raw(this.u32());
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  /** Fails when something is left over: a decoder reads everything or refuses. */
  end(): void {
    if (this.remaining !== 0) throw new DecodeError(`${String(this.remaining)} bytes left over`);
  }

  #take(length: number): number {
    const at = this.#offset;
    if (length > this.#buffer.length - at) {
      throw new DecodeError(
        `needs ${String(length)} bytes at offset ${String(at)}, has ${String(this.remaining)}`,
      );
    }
    this.#offset = at + length;
    return at;
  }
}
