/**
 * Keys of the `raft/` store. An entry lies under `group u16 BE | index u64 BE`, so a group is one contiguous range in log
 * order. Index 0 is no entry: its rows, told apart by one more byte, hold the state of the group. The one-byte key holds
 * what belongs to the node.
 */
export const entryKeyBytes = 10;

/** Which state of a group a row holds. */
export const STATE_ROW = { hardState: 1, configuration: 2, base: 3, generation: 4, replica: 5 } as const;
export type StateRow = (typeof STATE_ROW)[keyof typeof STATE_ROW];

/** The row with the sequence of the newest write batch. */
export const SEQUENCE_KEY = Buffer.from([0]);

export function entryKey(group: number, index: number): Buffer {
  const key = Buffer.allocUnsafe(entryKeyBytes);
  writeEntryKey(key, group, index);
  return key;
}

export function stateKey(group: number, row: StateRow): Buffer {
  const key = Buffer.allocUnsafe(entryKeyBytes + 1);
  writeEntryKey(key, group, 0);
  key.writeUInt8(row, entryKeyBytes);
  return key;
}

/** All rows of a group: `gte` inclusive, `lt` exclusive. */
export function groupRange(group: number): { readonly gte: Buffer; readonly lt: Buffer } {
  // An index is below 2^53: no key of the group begins with eight bytes of ones behind its number.
  const lt = Buffer.alloc(entryKeyBytes + 1, 0xff);
  lt.writeUInt16BE(group, 0);
  return { gte: entryKey(group, 0), lt };
}

export type ParsedKey =
  | { readonly kind: 'sequence' }
  | { readonly kind: 'state'; readonly group: number; readonly row: number }
  | { readonly kind: 'entry'; readonly group: number; readonly index: number }
  | { readonly kind: 'unknown' };

export function parseKey(key: Buffer): ParsedKey {
  if (key.equals(SEQUENCE_KEY)) return { kind: 'sequence' };
  if (key.length < entryKeyBytes) return { kind: 'unknown' };
  const group = key.readUInt16BE(0);
  const index = readUint64(key, 2);
  if (key.length === entryKeyBytes && index > 0) return { kind: 'entry', group, index };
  if (key.length === entryKeyBytes + 1 && index === 0)
    return { kind: 'state', group, row: key.readUInt8(10) };
  return { kind: 'unknown' };
}

export function writeEntryKey(bytes: Buffer, group: number, index: number): void {
  bytes.writeUInt16BE(group, 0);
  writeUint64(bytes, index, 2);
}

/** A number up to 2^53-1 as eight bytes, most significant first; answers the offset behind it. */
export function writeUint64(bytes: Buffer, value: number, at: number): number {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  return bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}

export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
