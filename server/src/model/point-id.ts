import { isUtf8 } from 'node:buffer';

import { GrapeError, invariant } from '../base/index.ts';
import { isExactInteger } from './json.ts';

/** Longest id, in bytes of UTF-8. */
const ID_BYTES_MAX = 512;

const INTEGER_MAX = 2n ** 64n - 1n;
const KIND = { integer: 0x01, uuid: 0x02, text: 0x03 } as const;
const CANONICAL_INTEGER = /^(?:0|[1-9]\d{0,19})$/;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** The identity of a point and how its id was written. */
export interface PointId {
  /**
   * A kind byte and a body: 0x01 and a big-endian u64, 0x02 and the 16 bytes of a UUID, 0x03 and UTF-8. Equal keys
   * are one point; the byte order of keys is the order of ids: integers by value, UUIDs, other strings by bytes.
   */
  readonly key: Buffer;
  /** Written as a JSON integer, not as a string. */
  readonly isInteger: boolean;
}

/**
 * The id of a request body: a string, an integer from 0 to 2^64-1 (exact ones come from `parseJson`) or a bigint.
 * `"5"` and `5` share a key, `"05"` is another string. `path` names the field in the message. Throws INVALID_ID.
 */
export function parsePointId(value: unknown, path = 'id'): PointId {
  if (typeof value === 'string') return { key: keyOfText(value, path), isInteger: false };
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
    return { key: keyOfNumber(value), isInteger: true };
  }
  if (typeof value === 'bigint') return { key: keyOfInteger(value, path), isInteger: true };
  if (isExactInteger(value)) return { key: keyOfInteger(BigInt(value.rawJSON), path), isInteger: true };
  const kind = typeof value === 'number' ? 'an integer from 0 to 2^64-1' : 'a string or an integer';
  throw new GrapeError('INVALID_ID', `${path} must be ${kind}`);
}

/** The id of a path segment, already percent-decoded. Throws INVALID_ID. */
export function parsePointIdFromPath(text: string): PointId {
  return { key: keyOfText(text, 'the id in the path'), isInteger: false };
}

/** The text of an id: decimal digits, a UUID in lower case, or the string itself. */
export function pointIdText(key: Buffer): string {
  const kind = key[0];
  if (kind === KIND.integer) return key.readBigUInt64BE(1).toString();
  if (kind === KIND.uuid) return uuidText(key.toString('hex', 1));
  invariant(kind === KIND.text, 'an id key starts with a known kind', { kind });
  return key.toString('utf8', 1);
}

/** The id as a JSON value: `5`, `"5"`, `"text"`, in the type that it was written in. */
export function pointIdJson(key: Buffer, isInteger: boolean): string {
  const text = pointIdText(key);
  if (key[0] === KIND.text) return JSON.stringify(text);
  return isInteger && key[0] === KIND.integer ? text : `"${text}"`;
}

/** True for exactly the bytes that `parsePointId` can make: for keys that come back from outside. */
export function isPointKey(key: Buffer): boolean {
  const kind = key[0];
  if (kind === KIND.integer) return key.length === 9;
  if (kind === KIND.uuid) return key.length === 17;
  return kind === KIND.text && isUtf8(key.subarray(1)) && isTextId(key.toString('utf8', 1));
}

function keyOfNumber(value: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = KIND.integer;
  key.writeUInt32BE(Math.floor(value / 2 ** 32), 1);
  key.writeUInt32BE(value % 2 ** 32, 5);
  return key;
}

function keyOfInteger(value: bigint, path: string): Buffer {
  if (value < 0n || value > INTEGER_MAX) {
    throw new GrapeError('INVALID_ID', `${path} must be an integer from 0 to 2^64-1`);
  }
  const key = Buffer.allocUnsafe(9);
  key[0] = KIND.integer;
  key.writeBigUInt64BE(value, 1);
  return key;
}

function keyOfText(text: string, path: string): Buffer {
  if (isIntegerText(text)) return keyOfInteger(BigInt(text), path);
  if (isUuidText(text)) return keyOfUuid(text);
  if (!text.isWellFormed()) throw new GrapeError('INVALID_ID', `${path} must be well-formed Unicode`);
  if (text.length === 0 || text.length > ID_BYTES_MAX || Buffer.byteLength(text) > ID_BYTES_MAX) {
    throw new GrapeError('INVALID_ID', `${path} must have 1 to ${ID_BYTES_MAX} bytes of UTF-8`);
  }
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  key[0] = KIND.text;
  key.write(text, 1, 'utf8');
  return key;
}

/** Canonical decimal digits of a u64; "18446744073709551616" is a string like any other. */
function isIntegerText(text: string): boolean {
  if (text.length > 20 || !CANONICAL_INTEGER.test(text)) return false;
  return text.length < 20 || BigInt(text) <= INTEGER_MAX;
}

function isUuidText(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}

function isTextId(text: string): boolean {
  const bytes = Buffer.byteLength(text);
  return bytes >= 1 && bytes <= ID_BYTES_MAX && !isIntegerText(text) && !isUuidText(text);
}

function keyOfUuid(text: string): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = KIND.uuid;
  key.write(text.replaceAll('-', ''), 1, 'hex');
  return key;
}

function uuidText(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
