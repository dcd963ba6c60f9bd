import { ByteReader, ByteWriter, DecodeError, invariant } from '../../base/index.ts';
import type { Entry, EntryKind, Message, MessageType } from '../core/index.ts';
import { readConfState, writeConfState } from '../log/state-record.ts';
import type { GroupMessage } from '../types.ts';

/** Their position is their number on the wire. */
const TYPES: readonly MessageType[] = [
  'preVote',
  'vote',
  'preVoteResponse',
  'voteResponse',
  'append',
  'appendResponse',
  'heartbeat',
  'heartbeatResponse',
  'snapshot',
  'timeoutNow',
  'transferLeader',
  'readIndex',
  'readIndexResponse',
];
const TYPE_NUMBERS = new Map(TYPES.map((type, number) => [type, number]));
const KINDS: readonly EntryKind[] = ['normal', 'confChange'];

/** More than the fixed fields of any message; the entries and lists of one come on top. */
const MESSAGE_BYTES = 64;
/** Kind, term and length of an entry. */
const ENTRY_BYTES = 13;

/** Messages of one frame. */
const MESSAGES_MAX = 0xffff;

type Fields = Omit<Message, 'from' | 'to' | 'term'>;

/**
 * Messages for one node, one after the other, in one buffer: `sequence u53 | count u16`, then each as `group u16 |
 * type u8 | from u53 | to u53 | term u53` and the fields of its type. The indexes of entries follow from the one before
 * them. `sequence` is that of the last write batch that the sender has synced.
 */
export function encodeMessages(messages: readonly GroupMessage[], sequence = 0): Buffer {
  invariant(messages.length <= MESSAGES_MAX, 'a frame holds few messages', { messages: messages.length });
  const writer = new ByteWriter(messages.reduce((bytes, { message }) => bytes + encodedBytes(message), 10));
  writer.u53(sequence).u16(messages.length);
  for (const { group, message } of messages) {
    writer.u16(group).u8(TYPE_NUMBERS.get(message.type) as number);
    writer.u53(message.from).u53(message.to).u53(message.term);
    writeFields(writer, message);
  }
  return writer.finish();
}

/** Throws `DecodeError` on anything that `encodeMessages` does not write. The data of entries are views of `bytes`. */
export function decodeMessages(bytes: Buffer): {
  readonly sequence: number;
  readonly messages: GroupMessage[];
} {
  const reader = new ByteReader(bytes);
  const sequence = reader.u53();
  const count = reader.u16();
  const messages: GroupMessage[] = [];
  for (let at = 0; at < count; at += 1) {
    const group = reader.u16();
    const type = TYPES[reader.u8()];
    if (type === undefined) throw new DecodeError('a message of unknown type');
    const header = { from: reader.u53(), to: reader.u53(), term: reader.u53() };
    messages.push({ group, message: { ...header, ...readFields(type, reader) } as Message });
  }
  reader.end();
  return { sequence, messages };
}

/** About the bytes of `message` in a frame, never less. */
export function encodedBytes(message: Message): number {
  if (message.type === 'snapshot') {
    const { voters, votersOutgoing, learners, learnersNext } = message.snapshot.confState;
    return (
      MESSAGE_BYTES * 2 + 8 * (voters.length + votersOutgoing.length + learners.length + learnersNext.length)
    );
  }
  if (message.type !== 'append') return MESSAGE_BYTES;
  let bytes = MESSAGE_BYTES;
  for (const entry of message.entries) bytes += ENTRY_BYTES + entry.data.length;
  return bytes;
}

function writeFields(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'preVote':
    case 'vote':
      writer.u53(message.lastIndex).u53(message.lastTerm).bool(message.transfer);
      return;
    case 'preVoteResponse':
    case 'voteResponse':
      writer.bool(message.reject);
      return;
    case 'append':
      writer.u53(message.prevIndex).u53(message.prevTerm).u53(message.commit).u32(message.entries.length);
      for (const { kind, term, data } of message.entries)
        writer.u8(KINDS.indexOf(kind)).u53(term).bytes(data);
      return;
    case 'appendResponse':
      writer.u53(message.index).bool(message.reject).u53(message.hintIndex).u53(message.hintTerm);
      return;
    case 'heartbeat':
      writer.u53(message.commit).u53(message.readRound);
      return;
    case 'heartbeatResponse':
      writer.u53(message.readRound);
      return;
    case 'snapshot':
      writer.u53(message.snapshot.index).u53(message.snapshot.term);
      writeConfState(writer, message.snapshot.confState);
      return;
    case 'timeoutNow':
      return;
    case 'transferLeader':
      writer.u53(message.transferee);
      return;
    case 'readIndex':
      writer.u53(message.context);
      return;
    case 'readIndexResponse':
      writer.u53(message.context).u53(message.index).bool(message.reject);
  }
}

function readFields(type: MessageType, reader: ByteReader): Fields {
  switch (type) {
    case 'preVote':
    case 'vote':
      return { type, lastIndex: reader.u53(), lastTerm: reader.u53(), transfer: reader.bool() } as Fields;
    case 'preVoteResponse':
    case 'voteResponse':
      return { type, reject: reader.bool() } as Fields;
    case 'append':
      return readAppend(reader);
    case 'appendResponse':
      return {
        type,
        index: reader.u53(),
        reject: reader.bool(),
        hintIndex: reader.u53(),
        hintTerm: reader.u53(),
      } as Fields;
    case 'heartbeat':
      return { type, commit: reader.u53(), readRound: reader.u53() } as Fields;
    case 'heartbeatResponse':
      return { type, readRound: reader.u53() } as Fields;
    case 'snapshot': {
      const snapshot = { index: reader.u53(), term: reader.u53(), confState: readConfState(reader) };
      return { type, snapshot } as Fields;
    }
    case 'timeoutNow':
      return { type };
    case 'transferLeader':
      return { type, transferee: reader.u53() } as Fields;
    case 'readIndex':
      return { type, context: reader.u53() } as Fields;
    case 'readIndexResponse':
      return { type, context: reader.u53(), index: reader.u53(), reject: reader.bool() } as Fields;
  }
}

function readAppend(reader: ByteReader): Fields {
  const prevIndex = reader.u53();
  const prevTerm = reader.u53();
  const commit = reader.u53();
  const count = reader.u32();
  if (count * ENTRY_BYTES > reader.remaining) throw new DecodeError(`${count} entries do not fit`);
  const entries: Entry[] = [];
  for (let index = prevIndex + 1; index <= prevIndex + count; index += 1) {
    const kind = KINDS[reader.u8()];
    if (kind === undefined) throw new DecodeError('an entry of unknown kind');
    entries.push({ index, term: reader.u53(), kind, data: reader.bytes() });
  }
  return { type: 'append', prevIndex, prevTerm, commit, entries } as Fields;
}
