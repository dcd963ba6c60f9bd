import { crc32c } from '../../base/index.ts';
import type { Entry, EntryKind } from '../core/index.ts';
import { entryKeyBytes, readUint64, writeEntryKey, writeUint64 } from './keys.ts';

/**
 * One log entry as it lies in the store. The value is
 * `format u8 | kind u8 | term u64 BE | CRC of the predecessor u32 BE | data | CRC u32 BE`; the CRC-32C covers the key and
 * everything before it. Because it covers the predecessor's CRC too, the CRCs form a chain: an entry that was lost,
 * exchanged or left over from an older log shows at the next one.
 */
const ENTRY_FORMAT = 1;

const HEADER_BYTES = 14;
const CRC_BYTES = 4;
const ENTRY_OVERHEAD_BYTES = HEADER_BYTES + CRC_BYTES;

const KINDS: readonly EntryKind[] = ['normal', 'confChange'];

export interface EncodedEntry {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly crc: number;
}

export type DecodedEntry =
  | { readonly kind: 'ok'; readonly entry: Entry; readonly crc: number; readonly previousCrc: number }
  | { readonly kind: 'bad'; readonly reason: string };

/** Encodes entries one after the other into one scratch buffer: an answer is valid until the next call. */
export class EntryEncoder {
  #scratch = Buffer.allocUnsafe(8192);

  encode(group: number, entry: Entry, previousCrc: number): EncodedEntry {
    const crcAt = entryKeyBytes + HEADER_BYTES + entry.data.length;
    const end = crcAt + CRC_BYTES;
    if (end > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(end * 2);
    const bytes = this.#scratch;
    writeEntryKey(bytes, group, entry.index);
    let at = entryKeyBytes;
    at = bytes.writeUInt8(ENTRY_FORMAT, at);
    at = bytes.writeUInt8(entry.kind === 'normal' ? 0 : 1, at);
    at = writeUint64(bytes, entry.term, at);
    at = bytes.writeUInt32BE(previousCrc, at);
    bytes.set(entry.data, at);
    const crc = crc32c(bytes.subarray(0, crcAt));
    bytes.writeUInt32BE(crc, crcAt);
    return { key: bytes.subarray(0, entryKeyBytes), value: bytes.subarray(entryKeyBytes, end), crc };
  }
}

/** Checks and decodes what `EntryEncoder` wrote; `entry.data` is a view of `value`. */
export function decodeEntry(key: Buffer, value: Buffer): DecodedEntry {
  if (value.length < ENTRY_OVERHEAD_BYTES) return bad(`an entry record of ${value.length} bytes`);
  const crcAt = value.length - CRC_BYTES;
  const crc = value.readUInt32BE(crcAt);
  if (crc32c(value.subarray(0, crcAt), crc32c(key)) !== crc)
    return bad('an entry record whose CRC does not fit');
  const format = value.readUInt8(0);
  if (format !== ENTRY_FORMAT) return bad(`an entry record of unknown format ${format}`);
  const kind = KINDS[value.readUInt8(1)];
  if (kind === undefined) return bad('an entry record of unknown kind');
  const entry: Entry = {
    index: readUint64(key, 2),
    term: readUint64(value, 2),
    kind,
    data: value.subarray(HEADER_BYTES, crcAt),
  };
  return { kind: 'ok', entry, crc, previousCrc: value.readUInt32BE(10) };
}

function bad(reason: string): DecodedEntry {
  return { kind: 'bad', reason };
}
