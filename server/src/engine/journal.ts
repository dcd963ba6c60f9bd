import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/**
 * One journal row: the ids that the entry of a log index wrote or deleted. A saved vector index that is tagged with an
 * older index replays the rows above its tag against the store; without them a delete could not be caught up.
 */
export interface JournalRow {
  readonly index: number;
  readonly collection: number;
  readonly idKeys: readonly Buffer[];
}

/** Rows kept per shard at most, as a span of log indexes; an index that lags further is read anew from the points. */
export const JOURNAL_ENTRIES_MAX = 65_536;

const FORMAT = 1;

export function encodeJournalRow(collection: number, idKeys: readonly Buffer[]): Buffer {
  const writer = new ByteWriter(16 + 24 * idKeys.length).u8(FORMAT).u32(collection).u32(idKeys.length);
  for (const idKey of idKeys) writer.u16(idKey.length).raw(idKey);
  return writer.finish();
}

/** Throws `DecodeError`. */
export function decodeJournalRow(index: number, value: Buffer): JournalRow {
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format !== FORMAT) throw new DecodeError(`journal format ${String(format)} is not known`);
  const collection = reader.u32();
  const idKeys: Buffer[] = [];
  for (let left = reader.u32(); left > 0; left--) idKeys.push(reader.raw(reader.u16()));
  reader.end();
  return { index, collection, idKeys };
}
