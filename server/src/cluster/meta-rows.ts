import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import {
  readCollection,
  readFormat,
  readMember,
  readMeta,
  readPlacement,
  readSettings,
  writeCollection,
  writeMember,
  writeMeta,
  writePlacement,
  writeSettings,
} from './codec.ts';
import { byNodeId, type ClusterMap, type ClusterSettings } from './types.ts';

/**
 * The map as rows of the `data/` store: `0xF0 | kind | key`. One row a member, shard and collection, so that a change
 * writes what it changed.
 */
export const META_PREFIX = 0xf0;

const ROW = { applied: 0, header: 1, member: 2, shard: 3, collection: 4, meta: 5 } as const;
const FORMAT = 2;

export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
}

export const APPLIED_KEY = Buffer.from([META_PREFIX, ROW.applied]);

export function encodeApplied(applied: AppliedPosition): Buffer {
  return new ByteWriter(17).u8(FORMAT).u53(applied.index).u53(applied.term).finish();
}

/** Every row of the map, by key in hexadecimal. */
export function encodeMap(map: ClusterMap): Map<string, Buffer> {
  const rows = new Map<string, Buffer>();
  const add = (kind: number, key: Buffer, write: (out: ByteWriter) => void): void => {
    const out = new ByteWriter().u8(FORMAT);
    write(out);
    rows.set(Buffer.concat([Buffer.from([META_PREFIX, kind]), key]).toString('hex'), out.finish());
  };
  add(ROW.header, Buffer.alloc(0), (out) => {
    out.text(map.clusterId).u53(map.version);
    writeSettings(out, map.settings);
  });
  add(ROW.meta, Buffer.alloc(0), (out) => writeMeta(out, map.meta));
  for (const member of map.members) {
    add(ROW.member, Buffer.from(member.nodeId), (out) => writeMember(out, member));
  }
  for (const shard of map.shards) add(ROW.shard, number32(shard.shard), (out) => writePlacement(out, shard));
  for (const schema of map.collections) {
    add(ROW.collection, number32(schema.id), (out) => writeCollection(out, schema));
  }
  return rows;
}

/** The opposite, from rows in any order; the map is undefined when the cluster had none yet. Throws `DecodeError`. */
export function decodeRows(rows: Iterable<{ readonly key: Buffer; readonly value: Buffer }>): {
  readonly applied: AppliedPosition;
  readonly map: ClusterMap | undefined;
} {
  const found = collect(rows);
  const { header, meta, ...lists } = found;
  if (header === undefined) return { applied: found.applied, map: undefined };
  if (meta === undefined) throw new DecodeError('the stored cluster map does not say who belongs to meta');
  const map = {
    ...header,
    meta,
    members: lists.members.sort(byNodeId),
    shards: lists.shards.sort((a, b) => a.shard - b.shard),
    collections: lists.collections.sort((a, b) => a.id - b.id),
  };
  if (map.shards.some(({ shard }, position) => shard !== position)) {
    throw new DecodeError('a shard is missing in the stored cluster map');
  }
  return { applied: found.applied, map };
}

interface Found {
  applied: AppliedPosition;
  header: { clusterId: string; version: number; settings: ClusterSettings } | undefined;
  meta: ClusterMap['meta'] | undefined;
  readonly members: ClusterMap['members'][number][];
  readonly shards: ClusterMap['shards'][number][];
  readonly collections: ClusterMap['collections'][number][];
}

function collect(rows: Iterable<{ readonly key: Buffer; readonly value: Buffer }>): Found {
  const found: Found = {
    applied: { index: 0, term: 0 },
    header: undefined,
    meta: undefined,
    members: [],
    shards: [],
    collections: [],
  };
  for (const { key, value } of rows) {
    const from = new ByteReader(value);
    readFormat(from, FORMAT, 'a row of the cluster map');
    readRow(found, key[1] ?? -1, from);
    from.end();
  }
  return found;
}

function readRow(found: Found, kind: number, from: ByteReader): void {
  switch (kind) {
    case ROW.applied:
      found.applied = { index: from.u53(), term: from.u53() };
      break;
    case ROW.header:
      found.header = { clusterId: from.text(), version: from.u53(), settings: readSettings(from) };
      break;
    case ROW.meta:
      found.meta = readMeta(from);
      break;
    case ROW.member:
      found.members.push(readMember(from));
      break;
    case ROW.shard:
      found.shards.push(readPlacement(from));
      break;
    case ROW.collection:
      found.collections.push(readCollection(from));
      break;
    default:
      throw new DecodeError(`row kind ${kind} of the cluster map is unknown to this build`);
  }
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
