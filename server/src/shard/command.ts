import { ByteReader, ByteWriter, DecodeError, invariant, present } from '../base/index.ts';
import { DIGEST_BYTES } from '../engine/index.ts';
import type { PointWrite } from '../model/index.ts';

/** What one log entry of a shard does to one collection. */
export type Command = PointCommand | Claim | Note;

export type PointCommand = Upsert | Delete;

export interface Upsert {
  readonly kind: 'upsert';
  readonly collection: number;
  readonly points: readonly PointWrite[];
  /** Of the only point: written only over this version; 0: only when there is none. */
  readonly ifVersion?: number;
}

export interface Delete {
  readonly kind: 'delete';
  readonly collection: number;
  readonly ids: readonly Buffer[];
  /** Of the only id: deleted only in this version. */
  readonly ifVersion?: number;
  /** One for each id: newer versions stay. */
  readonly upTo?: readonly number[];
}

/** Only makes the shard remember the name that the entry carries, with what is asked under it: its home. */
export interface Claim {
  readonly kind: 'claim';
  readonly collection: number;
}

/** Makes the shard remember a number under the name that the entry carries; whoever repeats it learns the first one. */
export interface Note {
  readonly kind: 'note';
  readonly collection: number;
  readonly value: number;
}

export interface CommandHeader {
  /** Wall clock of the leader that proposed the command, in milliseconds; log time is computed from it. 0: not stamped. */
  readonly wallMs: number;
  /** A write that names itself: repeating it changes nothing and has the first result. */
  readonly retry?: RetryTag | undefined;
}

/** The entry of a write that names itself. */
export interface RetryTag {
  /** Who the name belongs to: one write (`Idempotency-Key`), or a client that numbers its writes. */
  readonly scope: 'key' | 'client';
  /** UTF-8. */
  readonly name: Buffer;
  /** The client's number of the write; 0 for a key. */
  readonly sequence: number;
  /** Of everything the write says, `DIGEST_BYTES` long: another write under the same name is told apart by it. */
  readonly digest: Buffer;
  /** Number of the entry in its write, from 0. */
  readonly chunk: number;
}

/** Most points or ids in one command. */
export const COMMAND_POINTS_MAX = 256;
/** Most bytes of an encoded command with more than one point; a larger single point is its own command. */
export const COMMAND_BYTES_MAX = 1024 * 1024;
/** Bytes of an encoded command without its points or ids. */
export const COMMAND_HEADER_BYTES = 18;

/** A replica that cannot read a committed entry stops: skipping it would make the replicas differ. */
export class UnknownCommandError extends Error {
  override readonly name = 'UnknownCommandError';
}

/** With a retry tag, without one. */
const FORMAT = { plain: 1, tagged: 2 } as const;
const SCOPES = ['key', 'client'] as const;
const KIND_AT = 1;
const WALL_MS_AT = 2;
const KIND = { upsert: 1, delete: 2, claim: 3, upsertIf: 4, deleteIf: 5, deleteUpTo: 6, note: 7 } as const;
/** What `ifVersion` adds to an encoded command, and `upTo` for each id. */
const VERSION_BYTES = 8;
const FLAG_INTEGER = 1;

/** Bytes that one point adds to an encoded upsert. */
export function commandPointBytes(point: PointWrite): number {
  return 11 + point.id.key.length + point.vector.length + point.payload.length;
}

/**
 * The bytes of a command on the wire and in every log: format u8, kind u8, wall clock f64; in format 2 the retry tag
 * (scope u8, name with its u16 length, sequence u64, digest, chunk u32); collection u32. Then of a note its value u64; of a claim
 * nothing; else `ifVersion` u64 in the kinds that have one, count u32, and per id: its length u16 and bytes, `upTo` u64 in the kind that
 * has it; per point also flags u8, vector and payload, each with a u32 length.
 */
export function encodeCommand(command: Command, header: CommandHeader): Buffer {
  checkItems(command, header);
  const writer = new ByteWriter(encodedBytes(command));
  const { wallMs, retry } = header;
  writer
    .u8(retry === undefined ? FORMAT.plain : FORMAT.tagged)
    .u8(KIND[kindOf(command)])
    .f64(wallMs);
  if (retry !== undefined) writeTag(writer, retry);
  writer.u32(command.collection);
  if (command.kind === 'note') writer.u53(command.value);
  else if (command.kind !== 'claim') writeItems(writer, command);
  return writer.finish();
}

/**
 * Byte fields are views of `bytes`. Throws `UnknownCommandError` for a format or kind of a later version and
 * `DecodeError` for anything that no version writes.
 */
export function decodeCommand(bytes: Buffer): { readonly header: CommandHeader; readonly command: Command } {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== FORMAT.plain && format !== FORMAT.tagged)
    throw new UnknownCommandError(`command format ${String(format)} is not known`);
  const kind = reader.u8();
  const wallMs = reader.f64();
  const header = format === FORMAT.tagged ? { wallMs, retry: readTag(reader) } : { wallMs };
  const collection = reader.u32();
  const command = readBody(reader, kind, collection);
  const needsName = command.kind === 'claim' || command.kind === 'note';
  if (needsName && format !== FORMAT.tagged) throw new DecodeError(`a ${command.kind} without a name`);
  reader.end();
  return { header, command };
}

/**
 * Notes the clock of the leader that is about to propose the command. Only the first one does: a command that comes back
 * from a leader may still be in a batch that is being written.
 */
export function stampCommand(bytes: Buffer, wallMs: number): void {
  if (bytes.readDoubleLE(WALL_MS_AT) === 0) bytes.writeDoubleLE(wallMs, WALL_MS_AT);
}

/** Whether an encoded command adds no points: it removes some, or is the claim that goes before a write of any kind. */
export function addsNothing(bytes: Buffer): boolean {
  return bytes[KIND_AT] !== KIND.upsert && bytes[KIND_AT] !== KIND.upsertIf;
}

function checkItems(command: Command, { retry }: CommandHeader): void {
  if (command.kind === 'claim' || command.kind === 'note') {
    invariant(retry !== undefined, 'a claim or a note carries the name that it is about');
    return;
  }
  const { length: count } = itemsOf(command);
  invariant(count > 0 && count <= COMMAND_POINTS_MAX, 'a command has 1 to 256 points', { count });
  invariant(command.ifVersion === undefined || count === 1, 'a condition is about one point', { count });
}

function kindOf(command: Command): keyof typeof KIND {
  if (command.kind === 'upsert') return command.ifVersion === undefined ? 'upsert' : 'upsertIf';
  if (command.kind !== 'delete') return command.kind;
  if (command.ifVersion !== undefined) return 'deleteIf';
  return command.upTo === undefined ? 'delete' : 'deleteUpTo';
}

function itemsOf(command: PointCommand): readonly unknown[] {
  return command.kind === 'upsert' ? command.points : command.ids;
}

function writeItems(writer: ByteWriter, command: PointCommand): void {
  if (command.ifVersion !== undefined) writer.u53(command.ifVersion);
  writer.u32(itemsOf(command).length);
  if (command.kind === 'upsert') {
    for (const point of command.points) writePoint(writer, point);
    return;
  }
  for (const [at, id] of command.ids.entries()) {
    writer.u16(id.length).raw(id);
    if (command.upTo !== undefined) writer.u53(present(command.upTo[at], 'a version for each id'));
  }
}

function writeTag(writer: ByteWriter, tag: RetryTag): void {
  invariant(tag.digest.length === DIGEST_BYTES, 'a digest has its length', { bytes: tag.digest.length });
  writer.u8(SCOPES.indexOf(tag.scope)).u16(tag.name.length).raw(tag.name).u53(tag.sequence);
  writer.raw(tag.digest).u32(tag.chunk);
}

function readTag(reader: ByteReader): RetryTag {
  const scope = SCOPES[reader.u8()];
  if (scope === undefined) throw new UnknownCommandError('a retry tag of unknown scope');
  const name = reader.raw(reader.u16());
  return { scope, name, sequence: reader.u53(), digest: reader.raw(DIGEST_BYTES), chunk: reader.u32() };
}

function readBody(reader: ByteReader, kind: number, collection: number): Command {
  switch (kind) {
    case KIND.upsert:
      return { kind: 'upsert', collection, points: readItems(reader, readPoint) };
    case KIND.delete:
      return { kind: 'delete', collection, ids: readItems(reader, readId) };
    case KIND.claim:
      return { kind: 'claim', collection };
    case KIND.upsertIf: {
      const ifVersion = reader.u53();
      return { kind: 'upsert', collection, ifVersion, points: theOnly(readItems(reader, readPoint)) };
    }
    case KIND.deleteIf: {
      const ifVersion = reader.u53();
      return { kind: 'delete', collection, ifVersion, ids: theOnly(readItems(reader, readId)) };
    }
    case KIND.deleteUpTo: {
      const items = readItems(reader, () => ({ id: readId(reader), upTo: reader.u53() }));
      return {
        kind: 'delete',
        collection,
        ids: items.map(({ id }) => id),
        upTo: items.map(({ upTo }) => upTo),
      };
    }
    case KIND.note:
      return { kind: 'note', collection, value: reader.u53() };
    default:
      throw new UnknownCommandError(`command kind ${String(kind)} is not known`);
  }
}

function readItems<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const count = reader.u32();
  if (count === 0 || count > COMMAND_POINTS_MAX)
    throw new DecodeError(`a command with ${String(count)} points`);
  const items: T[] = [];
  while (items.length < count) items.push(read(reader));
  return items;
}

function theOnly<T>(items: T[]): T[] {
  if (items.length !== 1) throw new DecodeError('a condition is about one point');
  return items;
}

function readId(reader: ByteReader): Buffer {
  const id = reader.raw(reader.u16());
  if (id.length < 2) throw new DecodeError('an id key has at least two bytes');
  return id;
}

function writePoint(writer: ByteWriter, { id, vector, payload }: PointWrite): void {
  writer.u16(id.key.length).raw(id.key);
  writer
    .u8(id.isInteger ? FLAG_INTEGER : 0)
    .bytes(vector)
    .bytes(payload);
}

function readPoint(reader: ByteReader): PointWrite {
  const key = readId(reader);
  const isInteger = (reader.u8() & FLAG_INTEGER) !== 0;
  const vector = reader.bytes();
  if (vector.length === 0 || vector.length % 4 !== 0)
    throw new DecodeError('a vector is not whole float32 values');
  return { id: { key, isInteger }, vector, payload: reader.bytes() };
}

function encodedBytes(command: Command): number {
  let bytes = COMMAND_HEADER_BYTES;
  if (command.kind === 'upsert') for (const point of command.points) bytes += commandPointBytes(point);
  else if (command.kind === 'delete') for (const id of command.ids) bytes += 2 + id.length + VERSION_BYTES;
  return bytes + VERSION_BYTES;
}
