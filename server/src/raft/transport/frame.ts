import { crc32c, DecodeError } from '../../base/index.ts';

/**
 * What travels between nodes: `body length u32 LE | CRC u32 LE | type u8 | body`. The CRC-32C covers type and body:
 * TCP's own sum is too weak for what becomes part of a log.
 */
export const FRAME = {
  clientHello: 1,
  serverHello: 2,
  clientProof: 3,
  serverProof: 4,
  /** Ends a handshake, or a connection right after it, with a reason in words. */
  refused: 5,
  ping: 6,
  pong: 7,
  raft: 8,
  request: 9,
  response: 10,
  /** Right after a handshake: the store of the receiver is older than it was, with what was seen, in words. */
  forgotten: 11,
} as const;

const HEADER_BYTES = 9;
/** A body; larger answers have to be asked for in parts. */
export const FRAME_BYTES_MAX = 64 * 2 ** 20;
/** A body from a peer that has not proved that it knows the token. */
export const HANDSHAKE_FRAME_BYTES_MAX = 8 * 1024;

const TYPE_CRCS = Array.from({ length: 256 }, (_, type) => crc32c(Buffer.from([type])));

export function frameHeader(type: number, body: Buffer): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(crc32c(body, TYPE_CRCS[type]), 4);
  header.writeUInt8(type, 8);
  return header;
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  /** Longest body that is accepted. */
  bytesMax: number;
  readonly #onFrame: (type: number, body: Buffer) => void;
  readonly #header = Buffer.allocUnsafe(HEADER_BYTES);
  #headerBytes = 0;
  /** The body under way, when it did not come in one piece. */
  #body: Buffer | undefined;
  #bodyBytes = 0;

  constructor(bytesMax: number, onFrame: (type: number, body: Buffer) => void) {
    this.bytesMax = bytesMax;
    this.#onFrame = onFrame;
  }

  /** Takes what a socket delivered; bodies may be views of it. Throws `DecodeError` when it is no sequence of frames. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length)
      at = this.#headerBytes < HEADER_BYTES ? this.#takeHeader(chunk, at) : this.#takeBody(chunk, at);
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const bytes = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + bytes);
    this.#headerBytes += bytes;
    if (this.#headerBytes < HEADER_BYTES) return at + bytes;
    const length = this.#bodyLength;
    if (length > this.bytesMax) throw new DecodeError(`a frame of ${length} bytes; at most ${this.bytesMax}`);
    if (length === 0) this.#finish(Buffer.alloc(0));
    return at + bytes;
  }

  #takeBody(chunk: Buffer, at: number): number {
    const length = this.#bodyLength;
    if (this.#body === undefined && chunk.length - at >= length) {
      this.#finish(chunk.subarray(at, at + length));
      return at + length;
    }
    this.#body ??= Buffer.allocUnsafeSlow(length);
    const bytes = Math.min(length - this.#bodyBytes, chunk.length - at);
    chunk.copy(this.#body, this.#bodyBytes, at, at + bytes);
    this.#bodyBytes += bytes;
    if (this.#bodyBytes === length) this.#finish(this.#body);
    return at + bytes;
  }

  get #bodyLength(): number {
    return this.#header.readUInt32LE(0);
  }

  #finish(body: Buffer): void {
    const type = this.#header.readUInt8(8);
    if (crc32c(body, TYPE_CRCS[type]) !== this.#header.readUInt32LE(4)) {
      throw new DecodeError('a frame whose CRC does not fit');
    }
    this.#headerBytes = 0;
    this.#body = undefined;
    this.#bodyBytes = 0;
    this.#onFrame(type, body);
  }
}
