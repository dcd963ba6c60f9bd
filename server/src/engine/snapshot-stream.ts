import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/**
 * A snapshot as a stream of records, `length u32 LE | kind u8 | body`, cut into chunks without regard to where records
 * end: a head, then rows, then an end that counts them.
 */
const FORMAT = 1;
const KIND = { head: 1, row: 2, end: 3 } as const;
const LENGTH_BYTES = 4;
/** Longer than any row: a larger length is damage. */
const RECORD_BYTES_MAX = 64 * 2 ** 20;
/** Bytes of a chunk; the last one may be shorter. */
const CHUNK_BYTES = 1024 * 1024;

export type SnapshotRecord =
  /** `state`: as the shard's state row holds it. */
  | { readonly kind: 'head'; readonly state: Buffer }
  /** `rest`: the key behind table, shard and generation. */
  | { readonly kind: 'row'; readonly table: number; readonly rest: Buffer; readonly value: Buffer }
  | { readonly kind: 'end'; readonly rows: number };

export function encodeRecord(record: SnapshotRecord): Buffer {
  const writer = new ByteWriter(64 + (record.kind === 'row' ? record.value.length + record.rest.length : 0));
  writer.u32(0).u8(KIND[record.kind]);
  if (record.kind === 'head') writer.u8(FORMAT).raw(record.state);
  else if (record.kind === 'row')
    writer.u8(record.table).u16(record.rest.length).raw(record.rest).raw(record.value);
  else writer.u53(record.rows);
  const bytes = writer.finish();
  bytes.writeUInt32LE(bytes.length - LENGTH_BYTES, 0);
  return bytes;
}

/** Cuts records into chunks of `CHUNK_BYTES`. */
export async function* inChunks(records: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const record of records) {
    for (let at = 0; at < record.length;) {
      const part = record.subarray(at, at + CHUNK_BYTES - bytes);
      parts.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes < CHUNK_BYTES) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(parts);
}

/** Puts chunks together again. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Nothing of a record is left over. */
  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  /** The records that are complete with this chunk. Throws `DecodeError`. */
  push(chunk: Buffer): SnapshotRecord[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const records: SnapshotRecord[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32LE(at);
      if (length === 0 || length > RECORD_BYTES_MAX) throw new DecodeError(`a record of ${length} bytes`);
      if (bytes.length - at < LENGTH_BYTES + length) break;
      at += LENGTH_BYTES;
      records.push(decodeRecord(bytes.subarray(at, at + length)));
      at += length;
    }
    this.#rest = bytes.subarray(at);
    return records;
  }
}

function decodeRecord(bytes: Buffer): SnapshotRecord {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  if (kind === KIND.head) {
    const format = reader.u8();
    if (format !== FORMAT) throw new DecodeError(`snapshot format ${format} is not known`);
    return { kind: 'head', state: reader.raw(reader.remaining) };
  }
  if (kind === KIND.row) {
    const table = reader.u8();
    const rest = reader.raw(reader.u16());
    return { kind: 'row', table, rest, value: reader.raw(reader.remaining) };
  }
  if (kind !== KIND.end) throw new DecodeError(`a record of unknown kind ${kind}`);
  const rows = reader.u53();
  reader.end();
  return { kind: 'end', rows };
}
