import { ByteReader, ByteWriter, crc32c, DecodeError } from '../../base/index.ts';
import type { Message } from '../core/index.ts';
import { decodeMessages, encodeMessages } from '../transport/message-codec.ts';

/** Kind of the requests that carry snapshots between members. */
export const SNAPSHOT_KIND = 64;

export type SnapshotMessage = Extract<Message, { type: 'snapshot' }>;

const OP = { begin: 1, chunk: 2, finish: 3 } as const;

/** `op u8 | group u16 | transfer u32`, then the fields of the operation. */
export type SnapshotFrame = { readonly group: number; readonly transfer: number } & (
  | { readonly op: 'begin'; readonly message: SnapshotMessage }
  /** `sequence` counts the chunks from 0; on the wire the CRC-32C of the data goes before them. */
  | { readonly op: 'chunk'; readonly sequence: number; readonly data: Buffer }
  | { readonly op: 'finish'; readonly chunks: number }
);

/** The sequence that is expected next; `isDone`: nothing more is, the receiver has what it needs. */
export interface SnapshotAnswer {
  readonly isDone: boolean;
  readonly expected: number;
}

export function encodeFrame(frame: SnapshotFrame): Buffer {
  const writer = new ByteWriter(32 + (frame.op === 'chunk' ? frame.data.length : 0));
  writer.u8(OP[frame.op]).u16(frame.group).u32(frame.transfer);
  switch (frame.op) {
    case 'begin':
      return writer.raw(encodeMessages([frame])).finish();
    case 'chunk':
      return writer.u32(frame.sequence).u32(crc32c(frame.data)).raw(frame.data).finish();
    case 'finish':
      return writer.u32(frame.chunks).finish();
  }
}

/** Throws `DecodeError`, also when the data do not fit their CRC. */
export function decodeFrame(bytes: Buffer): SnapshotFrame {
  const reader = new ByteReader(bytes);
  const op = reader.u8();
  const [group, transfer] = [reader.u16(), reader.u32()];
  switch (op) {
    case OP.begin: {
      const [only, ...others] = decodeMessages(reader.raw(reader.remaining)).messages;
      if (only?.message.type !== 'snapshot' || only.group !== group || others.length > 0) {
        throw new DecodeError('a transfer that begins without a snapshot');
      }
      return { op: 'begin', group, transfer, message: only.message };
    }
    case OP.chunk: {
      const [sequence, crc] = [reader.u32(), reader.u32()];
      const data = reader.raw(reader.remaining);
      if (crc32c(data) !== crc) throw new DecodeError('a chunk of a snapshot whose CRC does not fit');
      return { op: 'chunk', group, transfer, sequence, data };
    }
    case OP.finish: {
      const chunks = reader.u32();
      reader.end();
      return { op: 'finish', group, transfer, chunks };
    }
    default:
      throw new DecodeError(`an operation ${op} that is not one of a snapshot`);
  }
}

export function encodeAnswer(answer: SnapshotAnswer): Buffer {
  return new ByteWriter(5).bool(answer.isDone).u32(answer.expected).finish();
}

export function decodeAnswer(bytes: Buffer): SnapshotAnswer {
  const reader = new ByteReader(bytes);
  const answer = { isDone: reader.bool(), expected: reader.u32() };
  reader.end();
  return answer;
}
