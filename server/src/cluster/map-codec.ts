import type { ByteReader, ByteWriter } from '../base/index.ts';
import { DecodeError } from '../base/index.ts';
import { readList, writeList } from './codec.ts';
import { decodeRows, encodeMap } from './meta-rows.ts';
import type { ClusterMap } from './types.ts';

/** The map as one value: the rows that are stored of it. */
export function writeMap(out: ByteWriter, map: ClusterMap): void {
  writeList(out, [...encodeMap(map)], ([key, value]) => out.bytes(Buffer.from(key, 'hex')).bytes(value));
}

/** Throws `DecodeError`. */
export function readMap(from: ByteReader): ClusterMap {
  const { map } = decodeRows(readList(from, (row) => ({ key: row.bytes(), value: row.bytes() })));
  if (map === undefined) throw new DecodeError('the rows are not those of a cluster map');
  return map;
}
