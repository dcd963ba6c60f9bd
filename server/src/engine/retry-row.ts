import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/** What a shard remembers of one write that named itself, so that repeating it changes nothing. */
export interface RetryRow {
  /** Log index of the entry that made the row: its place in the order of eviction. */
  readonly index: number;
  /** Log time of that entry, in milliseconds. */
  readonly timeMs: number;
  /** Of a client that numbers its writes; 0 otherwise. */
  readonly sequence: number;
  /** Of what the write says. */
  readonly digest: Buffer;
  /** First result of every entry of the write that this shard applied, by the entry's number in the write. */
  readonly chunks: ReadonlyMap<number, Buffer>;
}

/** A row's place in the order of eviction. */
export interface RetryPlace {
  readonly index: number;
  readonly timeMs: number;
  readonly name: Buffer;
}

const FORMAT = 1;
export const DIGEST_BYTES = 16;

export function encodeRetryRow(row: RetryRow): Buffer {
  const writer = new ByteWriter(64)
    .u8(FORMAT)
    .u53(row.index)
    .f64(row.timeMs)
    .u53(row.sequence)
    .raw(row.digest);
  writer.u32(row.chunks.size);
  const byNumber = [...row.chunks].sort(([left], [right]) => left - right);
  for (const [chunk, result] of byNumber) writer.u32(chunk).bytes(result);
  return writer.finish();
}

/** Throws `DecodeError`. */
export function decodeRetryRow(value: Buffer): RetryRow {
  const reader = readerOf(value);
  const [index, timeMs, sequence] = [reader.u53(), reader.f64(), reader.u53()];
  const digest = reader.raw(DIGEST_BYTES);
  const chunks = new Map<number, Buffer>();
  for (let left = reader.u32(); left > 0; left--) chunks.set(reader.u32(), reader.bytes());
  reader.end();
  return { index, timeMs, sequence, digest, chunks };
}

export function encodeRetryPlace({ timeMs, name }: RetryPlace): Buffer {
  return new ByteWriter(16 + name.length).u8(FORMAT).f64(timeMs).bytes(name).finish();
}

/** Throws `DecodeError`. */
export function decodeRetryPlace(index: number, value: Buffer): RetryPlace {
  const reader = readerOf(value);
  const place = { index, timeMs: reader.f64(), name: reader.bytes() };
  reader.end();
  return place;
}

function readerOf(value: Buffer): ByteReader {
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format !== FORMAT) throw new DecodeError(`retry format ${String(format)} is not known`);
  return reader;
}
