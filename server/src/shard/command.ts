import { ByteReader, ByteWriter, DecodeError, invariant } from '../base/index.ts';
import type { PointWrite } from '../model/index.ts';

/** What one log entry of a shard does to one collection. */
export type Command =
  | { readonly kind: 'upsert'; readonly collection: number; readonly points: readonly PointWrite[] }
  | { readonly kind: 'delete'; readonly collection: number; readonly ids: readonly Buffer[] };

export interface CommandHeader {
  /** Wall clock of the node that made the command, in milliseconds; log time is computed from it. */
  readonly wallMs: number;
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

const FORMAT = 1;
const KIND = { upsert: 1, delete: 2 } as const;
const FLAG_INTEGER = 1;

/** Bytes that one point adds to an encoded upsert. */
export function commandPointBytes(point: PointWrite): number {
  return 11 + point.id.key.length + point.vector.length + point.payload.length;
}

/**
 * The bytes of a command on the wire and in every log: format u8, kind u8, wall clock f64, collection u32, count u32,
 * then per id: its length u16 and bytes; per point also flags u8, vector and payload, each with a u32 length.
 */
export function encodeCommand(command: Command, header: CommandHeader): Buffer {
  const items = command.kind === 'upsert' ? command.points : command.ids;
  invariant(items.length > 0 && items.length <= COMMAND_POINTS_MAX, 'a command has 1 to 256 points', {
    count: items.length,
  });
  const writer = new ByteWriter(encodedBytes(command));
  writer.u8(FORMAT).u8(KIND[command.kind]).f64(header.wallMs).u32(command.collection).u32(items.length);
  if (command.kind === 'upsert') for (const point of command.points) writePoint(writer, point);
  else for (const id of command.ids) writer.u16(id.length).raw(id);
  return writer.finish();
}

/**
 * Byte fields are views of `bytes`. Throws `UnknownCommandError` for a format or kind of a later version and
 * `DecodeError` for anything that no version writes.
 */
export function decodeCommand(bytes: Buffer): { readonly header: CommandHeader; readonly command: Command } {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== FORMAT) throw new UnknownCommandError(`command format ${String(format)} is not known`);
  const kind = reader.u8();
  const header = { wallMs: reader.f64() };
  const collection = reader.u32();
  const command = readBody(reader, kind, collection);
  reader.end();
  return { header, command };
}

function readBody(reader: ByteReader, kind: number, collection: number): Command {
  switch (kind) {
    case KIND.upsert:
      return { kind: 'upsert', collection, points: readItems(reader, readPoint) };
    case KIND.delete:
      return { kind: 'delete', collection, ids: readItems(reader, readId) };
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
  else for (const id of command.ids) bytes += 2 + id.length;
  return bytes;
}
