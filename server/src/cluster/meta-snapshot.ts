import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import { type KvStore, WriteBatch } from '../storage/index.ts';
import { APPLIED_KEY, type AppliedPosition, encodeApplied, META_PREFIX } from './meta-rows.ts';
import type { SnapshotSink, SnapshotSource } from './ports.ts';

/** Rows of the map that a snapshot brought, until they take the place of the others: `0xF1 | generation u32`. */
const INSTALL_PREFIX = 0xf1;
const FORMAT = 1;
const CHUNK_BYTES = 1024 * 1024;

export interface MetaRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

export const INSTALL_RANGE = { gte: Buffer.of(INSTALL_PREFIX), lt: Buffer.of(INSTALL_PREFIX + 1) };

/** The highest generation that an install ever got: `0xF2`. */
export const GENERATION_KEY = Buffer.of(0xf2);

export function encodeGeneration(generation: number): Buffer {
  return new ByteWriter(5).u8(FORMAT).u32(generation).finish();
}

/** 1, the generation that needs no install, when there is no row. Throws `DecodeError`. */
export function decodeGeneration(value: Buffer | undefined): number {
  if (value === undefined) return 1;
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format !== FORMAT) throw new DecodeError(`format ${format} of a generation is not known`);
  const generation = reader.u32();
  reader.end();
  return generation;
}

export function installKey(generation: number): Buffer {
  return new ByteWriter(5).u8(INSTALL_PREFIX).u32(generation).finish();
}

/** The map as one blob of all its rows; `rows` has their keys in hexadecimal. */
export function metaSource(applied: AppliedPosition, rows: ReadonlyMap<string, Buffer>): SnapshotSource {
  const writer = new ByteWriter().u8(FORMAT).u32(rows.size + 1);
  writer.bytes(APPLIED_KEY).bytes(encodeApplied(applied));
  for (const [key, value] of rows) writer.bytes(Buffer.from(key, 'hex')).bytes(value);
  const blob = writer.finish();
  return { index: applied.index, term: applied.term, chunks: () => inChunks(blob), close: () => undefined };
}

/** Throws `DecodeError`. */
export function decodeMetaBlob(blob: Buffer): MetaRow[] {
  const reader = new ByteReader(blob);
  const format = reader.u8();
  if (format !== FORMAT) throw new DecodeError(`format ${format} of a snapshot of meta is not known`);
  const rows: MetaRow[] = [];
  for (let left = reader.u32(); left > 0; left -= 1)
    rows.push({ key: reader.bytes(), value: reader.bytes() });
  reader.end();
  if (rows.some(({ key }) => key[0] !== META_PREFIX)) throw new DecodeError('a row that is not one of meta');
  return rows;
}

/** Keeps the blob in a row of its own. */
export class MetaSink implements SnapshotSink {
  readonly generation: number;
  readonly #kv: KvStore;
  /** Throws when the rows are not the state that was announced. */
  readonly #check: (rows: readonly MetaRow[]) => void;
  readonly #chunks: Buffer[] = [];

  constructor(kv: KvStore, generation: number, check: (rows: readonly MetaRow[]) => void) {
    this.#kv = kv;
    this.generation = generation;
    this.#check = check;
  }

  write(chunk: Buffer): Promise<void> {
    this.#chunks.push(Buffer.from(chunk));
    return Promise.resolve();
  }

  async finish(): Promise<void> {
    const blob = Buffer.concat(this.#chunks);
    this.#check(decodeMetaBlob(blob));
    await this.#kv.write(new WriteBatch().put(installKey(this.generation), blob), { sync: false });
    await this.#kv.flush();
  }

  async abort(): Promise<void> {
    await this.#kv.write(new WriteBatch().delete(installKey(this.generation)), { sync: false });
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- what is read lies in memory
async function* inChunks(blob: Buffer): AsyncIterable<Buffer> {
  for (let at = 0; at < blob.length; at += CHUNK_BYTES) yield blob.subarray(at, at + CHUNK_BYTES);
}
