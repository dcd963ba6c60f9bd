import { invariant } from '../base/index.ts';

/** Bytes of one key. */
export const KEY_BYTES_MAX = 65_535;
/** Bytes of one value. */
export const VALUE_BYTES_MAX = 512 << 20;
/** Length that stands for "no value" (`kMissing` of `packed.h`). */
const MISSING = 0xffffffff;

export interface KvEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Each key after its u32 length, in one new buffer. */
export function packKeys(keys: readonly Buffer[]): Buffer {
  let bytes = 0;
  for (const key of keys) {
    invariant(key.length <= KEY_BYTES_MAX, 'a key fits', { bytes: key.length });
    bytes += 4 + key.length;
  }
  const packed = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const key of keys) {
    at = packed.writeUInt32LE(key.length, at);
    packed.set(key, at);
    at += key.length;
  }
  return packed;
}

/** The values of `kvMultiGet`, as views of `packed`. */
export function unpackValues(packed: Buffer): (Buffer | undefined)[] {
  const values: (Buffer | undefined)[] = [];
  for (let at = 0; at < packed.length;) {
    const length = packed.readUInt32LE(at);
    at += 4;
    if (length === MISSING) {
      values.push(undefined);
      continue;
    }
    values.push(packed.subarray(at, at + length));
    at += length;
  }
  return values;
}

/** The entries of `kvScanNext`, as views of `packed`. */
export function unpackEntries(packed: Buffer): KvEntry[] {
  const entries: KvEntry[] = [];
  for (let at = 0; at < packed.length;) {
    const keyAt = at + 8;
    const valueAt = keyAt + packed.readUInt32LE(at);
    const end = valueAt + packed.readUInt32LE(at + 4);
    entries.push({ key: packed.subarray(keyAt, valueAt), value: packed.subarray(valueAt, end) });
    at = end;
  }
  return entries;
}
