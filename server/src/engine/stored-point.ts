import { DecodeError, invariant } from '../base/index.ts';
import type { PointWrite } from '../model/index.ts';

/** A point as it is stored. Byte fields are views of one buffer. */
export interface StoredPoint {
  readonly idKey: Buffer;
  /** The id was last written as a JSON integer. */
  readonly isInteger: boolean;
  /** Log index of the entry that wrote it. */
  readonly version: number;
  /** Little-endian float32. */
  readonly vector: Buffer;
  /** UTF-8 JSON text of an object. */
  readonly payload: Buffer;
  readonly shard: number;
}

/** What the value of a point's row holds: everything but the id and the shard, which are in its key. */
export type PointValue = Omit<StoredPoint, 'idKey' | 'shard'>;

const FORMAT = 1;
const FLAG_INTEGER = 1;
/** format u8, flags u8, dimension u16, version u64; little-endian. A multiple of 4, so that the vector is aligned. */
const HEADER_BYTES = 12;

export function encodePointValue(point: PointWrite, version: number): Buffer {
  invariant(point.vector.length % 4 === 0, 'a vector has whole float32 values', {
    bytes: point.vector.length,
  });
  const value = Buffer.allocUnsafe(HEADER_BYTES + point.vector.length + point.payload.length);
  value[0] = FORMAT;
  value[1] = point.id.isInteger ? FLAG_INTEGER : 0;
  value.writeUInt16LE(point.vector.length / 4, 2);
  value.writeUInt32LE(version % 2 ** 32, 4);
  value.writeUInt32LE(Math.floor(version / 2 ** 32), 8);
  point.vector.copy(value, HEADER_BYTES);
  point.payload.copy(value, HEADER_BYTES + point.vector.length);
  return value;
}

/** Throws `DecodeError`: the store is damaged or was written by a newer version. */
export function decodePointValue(value: Buffer): PointValue {
  if (value[0] !== FORMAT) throw new DecodeError(`point format ${String(value[0])} is not known`);
  if (value.length < HEADER_BYTES) throw new DecodeError('a stored point is shorter than its header');
  const payloadAt = HEADER_BYTES + 4 * value.readUInt16LE(2);
  if (value.length < payloadAt) throw new DecodeError('a stored point is shorter than its vector');
  return {
    isInteger: (value.readUInt8(1) & FLAG_INTEGER) !== 0,
    version: value.readUInt32LE(8) * 2 ** 32 + value.readUInt32LE(4),
    vector: value.subarray(HEADER_BYTES, payloadAt),
    payload: value.subarray(payloadAt),
  };
}

/** The values of a stored vector: a view where the machine allows it, else a copy. */
export function float32Values(vector: Buffer): Float32Array {
  const bytes = vector.byteOffset % 4 === 0 ? vector : Buffer.from(new Uint8Array(vector).buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, vector.length / 4);
}
