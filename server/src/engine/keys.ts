import { DecodeError, invariant } from '../base/index.ts';

/**
 * Keys of `data/`, one column family. Every number is big-endian, so that byte order is numeric order. The first byte
 * names the table; 0x01 to 0x0f belong to the engine.
 */
const TABLE = {
  points: 0x01,
  shardStates: 0x02,
  journal: 0x03,
  retries: 0x04,
  retryOrder: 0x05,
  generations: 0x06,
} as const;

/**
 * Tables whose rows of a shard are the same on every replica: a snapshot holds all of them, and nothing else but the
 * shard's state. Their keys begin with `table u8 | shard u16 | generation u32`.
 */
export const REPLICATED_TABLES: readonly number[] = [TABLE.points, TABLE.retries, TABLE.retryOrder];
/** Tables with rows of one generation, replicated or not. */
const GENERATION_TABLES = [...REPLICATED_TABLES, TABLE.shardStates, TABLE.journal];
/** Table, shard and generation. */
export const GENERATION_PREFIX_BYTES = 7;

/** Most replicas of one shard that a node ever holds one after the other, and most collections: both are u32. */
const U32_MAX = 0xffff_ffff;

/** One incarnation of a shard on this node; a new generation starts when a snapshot replaces the replica. */
export interface ShardGeneration {
  /** u16. */
  readonly shard: number;
  /** u32, from 1; never repeats for a shard on a node. */
  readonly generation: number;
}

/** All points of one collection in one shard. */
export interface CollectionSlice extends ShardGeneration {
  /** u32. */
  readonly collection: number;
}

/** Where one point lives. */
export interface PointAddress extends CollectionSlice {
  /** Canonical id key of the model. */
  readonly idKey: Buffer;
}

/** A range of keys, open at its end. */
export type KeyRange = { readonly lt: Buffer } & ({ readonly gte: Buffer } | { readonly gt: Buffer });

const SLICE_BYTES = 11;
const JOURNAL_KEY_BYTES = 15;

/** `01 | shard u16 | generation u32 | collection u32 | id key` */
export function pointKey(address: PointAddress): Buffer {
  const key = Buffer.allocUnsafe(SLICE_BYTES + address.idKey.length);
  writeSlice(key, address);
  address.idKey.copy(key, SLICE_BYTES);
  return key;
}

/** The id key at the end of a point's key, as a view. */
export function idKeyOf(key: Buffer): Buffer {
  if (key[0] !== TABLE.points || key.length <= SLICE_BYTES) throw new DecodeError('not the key of a point');
  return key.subarray(SLICE_BYTES);
}

/** Every point of a slice; only those behind the id key `after`, when it is given. */
export function sliceRange(slice: CollectionSlice, after?: Buffer): KeyRange {
  const first = Buffer.allocUnsafe(SLICE_BYTES);
  writeSlice(first, slice);
  const lt = successor(first);
  return after === undefined ? { gte: first, lt } : { gt: Buffer.concat([first, after]), lt };
}

/** `02 | shard u16 | generation u32` */
export function shardStateKey(at: ShardGeneration): Buffer {
  const key = Buffer.allocUnsafe(7);
  writeGeneration(key, TABLE.shardStates, at);
  return key;
}

export function parseShardStateKey(key: Buffer): ShardGeneration {
  if (key[0] !== TABLE.shardStates || key.length !== 7) throw new DecodeError('not the key of a shard state');
  return { shard: key.readUInt16BE(1), generation: key.readUInt32BE(3) };
}

/** The states of all shards and generations on this node. */
export function shardStateRange(): KeyRange {
  return { gte: Buffer.of(TABLE.shardStates), lt: Buffer.of(TABLE.shardStates + 1) };
}

/** `03 | shard u16 | generation u32 | log index u64` */
export function journalKey(at: ShardGeneration, index: number): Buffer {
  invariant(Number.isSafeInteger(index) && index >= 0, 'a log index is a safe unsigned integer', { index });
  const key = Buffer.allocUnsafe(JOURNAL_KEY_BYTES);
  writeGeneration(key, TABLE.journal, at);
  key.writeUInt32BE(Math.floor(index / 2 ** 32), 7);
  key.writeUInt32BE(index % 2 ** 32, 11);
  return key;
}

export function journalIndexOf(key: Buffer): number {
  if (key[0] !== TABLE.journal || key.length !== JOURNAL_KEY_BYTES)
    throw new DecodeError('not a journal key');
  return key.readUInt32BE(7) * 2 ** 32 + key.readUInt32BE(11);
}

/** Journal rows with `after < index <= upTo`. */
export function journalRange(
  at: ShardGeneration,
  rows: { readonly after: number; readonly upTo: number },
): KeyRange {
  return { gte: journalKey(at, rows.after + 1), lt: journalKey(at, rows.upTo + 1) };
}

/** `04 | shard u16 | generation u32 | name` */
export function retryKey(at: ShardGeneration, name: Buffer): Buffer {
  const key = Buffer.allocUnsafe(7 + name.length);
  writeGeneration(key, TABLE.retries, at);
  name.copy(key, 7);
  return key;
}

/** `05 | shard u16 | generation u32 | log index u64` */
export function retryOrderKey(at: ShardGeneration, index: number): Buffer {
  const key = journalKey(at, index);
  key[0] = TABLE.retryOrder;
  return key;
}

export function retryOrderIndexOf(key: Buffer): number {
  if (key[0] !== TABLE.retryOrder || key.length !== JOURNAL_KEY_BYTES)
    throw new DecodeError('not a key of the order of retries');
  return key.readUInt32BE(7) * 2 ** 32 + key.readUInt32BE(11);
}

/** Retry rows of a shard in the order of the entries that made them. */
export function retryOrderRange(at: ShardGeneration): KeyRange {
  return { gte: retryOrderKey(at, 0), lt: retryOrderKey(at, Number.MAX_SAFE_INTEGER) };
}

/** `06 | shard u16`: the highest generation that the shard ever had on this node. */
export function highestGenerationKey(shard: number): Buffer {
  const key = Buffer.allocUnsafe(3);
  key[0] = TABLE.generations;
  key.writeUInt16BE(shard, 1);
  return key;
}

/** All rows of one generation in one table. */
export function generationRange(table: number, at: ShardGeneration): { gte: Buffer; lt: Buffer } {
  const gte = generationPrefix(table, at);
  return { gte, lt: successor(gte) };
}

export function generationPrefix(table: number, at: ShardGeneration): Buffer {
  const prefix = Buffer.allocUnsafe(GENERATION_PREFIX_BYTES);
  writeGeneration(prefix, table, at);
  return prefix;
}

/** Everything that is stored of one generation. */
export function rangesOf(at: ShardGeneration): readonly { gte: Buffer; lt: Buffer }[] {
  return GENERATION_TABLES.map((table) => generationRange(table, at));
}

/** Everything that is stored of the generations below it. */
export function rangesBelow(at: ShardGeneration): readonly { gte: Buffer; lt: Buffer }[] {
  return GENERATION_TABLES.map((table) => ({
    gte: generationPrefix(table, { shard: at.shard, generation: 0 }),
    lt: generationPrefix(table, at),
  }));
}

/** Everything that is stored of the generations above it. */
export function rangesAbove(at: ShardGeneration): readonly { gte: Buffer; lt: Buffer }[] {
  return GENERATION_TABLES.map((table) => ({
    gte: generationRange(table, at).lt,
    lt: successor(generationPrefix(table, { shard: at.shard, generation: U32_MAX })),
  }));
}

function writeSlice(key: Buffer, slice: CollectionSlice): void {
  invariant(slice.collection <= U32_MAX, 'a collection is a u32', { collection: slice.collection });
  writeGeneration(key, TABLE.points, slice);
  key.writeUInt32BE(slice.collection, 7);
}

function writeGeneration(key: Buffer, table: number, at: ShardGeneration): void {
  key[0] = table;
  key.writeUInt16BE(at.shard, 1);
  key.writeUInt32BE(at.generation, 3);
}

/** The smallest key above every key that starts with `prefix`. */
function successor(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix);
  for (let at = next.length - 1; at >= 0; at--) {
    const byte = next[at] as number;
    next[at] = (byte + 1) & 0xff;
    if (byte !== 0xff) break;
  }
  return next;
}
