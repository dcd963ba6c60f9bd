import { crc32c, GrapeError } from '../base/index.ts';
import { isPointKey } from './point-id.ts';

const VERSION = 1;
const CHECKSUM_BYTES = 4;

/** Longest text of a cursor that is looked at. */
const CURSOR_CHARS_MAX = 1024;

/** The opaque text that continues a scroll after the point with this id key: base64url of version, key and CRC-32C. */
export function encodeCursor(key: Buffer): string {
  const bytes = Buffer.allocUnsafe(1 + key.length + CHECKSUM_BYTES);
  bytes[0] = VERSION;
  key.copy(bytes, 1);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, -CHECKSUM_BYTES)), bytes.length - CHECKSUM_BYTES);
  return bytes.toString('base64url');
}

/** The id key of a cursor. Throws INVALID_CURSOR for everything that `encodeCursor` did not make. */
export function decodeCursor(text: unknown): Buffer {
  if (typeof text !== 'string') throw new GrapeError('INVALID_CURSOR', 'cursor must be a string');
  const key = text.length <= CURSOR_CHARS_MAX ? keyIn(text) : undefined;
  if (key === undefined) throw new GrapeError('INVALID_CURSOR', 'cursor is not one that a scroll answered');
  return key;
}

function keyIn(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // Decoding skips foreign characters; only the text that encodes to itself is a cursor.
  if (bytes.length <= 1 + CHECKSUM_BYTES || bytes.toString('base64url') !== text) return undefined;
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (crc32c(body) !== bytes.readUInt32LE(body.length) || body[0] !== VERSION) return undefined;
  const key = body.subarray(1);
  return isPointKey(key) ? key : undefined;
}
