import { ByteReader, ByteWriter, crc32c, DecodeError } from '../../base/index.ts';
import type { ConfState, HardState } from '../core/index.ts';
import { SEQUENCE_KEY, stateKey, STATE_ROW } from './keys.ts';

/** Rows beside the entries: `format u8 | fields | CRC u32`, the CRC-32C over key and fields. */
const STATE_FORMAT = 1;

/** The configuration of a group and the index of the entry that made it; 0: the group began with it. */
export interface Configuration {
  readonly index: number;
  readonly confState: ConfState;
}

/** The point where a log begins: the entry before its first one. */
export interface LogBase {
  readonly index: number;
  readonly term: number;
  /** What the first entry is chained to. */
  readonly crc: number;
}

export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

export function hardStateRow(group: number, state: HardState): Row {
  return seal(stateKey(group, STATE_ROW.hardState), (writer) =>
    writer.u53(state.term).u53(state.vote).u53(state.commit),
  );
}

export function configurationRow(group: number, configuration: Configuration): Row {
  return seal(stateKey(group, STATE_ROW.configuration), (writer) => {
    writer.u53(configuration.index);
    writeConfState(writer, configuration.confState);
  });
}

/** Where the log of a group begins; no row: at its start. */
export function baseRow(group: number, base: LogBase): Row {
  return seal(stateKey(group, STATE_ROW.base), (writer) =>
    writer.u53(base.index).u53(base.term).u32(base.crc),
  );
}

/** Which generation of the state machine's rows is the state of the group on this node; no row: the first. */
export function generationRow(group: number, generation: number): Row {
  return seal(stateKey(group, STATE_ROW.generation), (writer) => writer.u32(generation));
}

/** Which replica of the group keeps its log here; a log that an earlier build began has no such row. */
export function replicaRow(group: number, replicaId: number): Row {
  return seal(stateKey(group, STATE_ROW.replica), (writer) => writer.u53(replicaId));
}

/** `sequence` counts the write batches of the node; it never repeats. */
export function sequenceRow(sequence: number): Row {
  return seal(SEQUENCE_KEY, (writer) => writer.u53(sequence));
}

/** Throws `DecodeError`, as do the readers below. */
export function readHardState(row: Row): HardState {
  return open(row, (reader) => ({ term: reader.u53(), vote: reader.u53(), commit: reader.u53() }));
}

export function readConfiguration(row: Row): Configuration {
  return open(row, (reader) => ({ index: reader.u53(), confState: readConfState(reader) }));
}

export function readBase(row: Row): LogBase {
  return open(row, (reader) => ({ index: reader.u53(), term: reader.u53(), crc: reader.u32() }));
}

export function readGeneration(row: Row): number {
  return open(row, (reader) => reader.u32());
}

export function readReplica(row: Row): number {
  return open(row, (reader) => reader.u53());
}

export function readSequence(row: Row): number {
  return open(row, (reader) => reader.u53());
}

export function writeConfState(writer: ByteWriter, state: ConfState): void {
  for (const list of [state.voters, state.votersOutgoing, state.learners, state.learnersNext]) {
    writer.u32(list.length);
    for (const replica of list) writer.u53(replica);
  }
  writer.bool(state.autoLeave);
}

export function readConfState(reader: ByteReader): ConfState {
  const list = (): number[] => {
    const count = reader.u32();
    if (count * 8 > reader.remaining) throw new DecodeError(`a list of ${count} replicas does not fit`);
    return Array.from({ length: count }, () => reader.u53());
  };
  return {
    voters: list(),
    votersOutgoing: list(),
    learners: list(),
    learnersNext: list(),
    autoLeave: reader.bool(),
  };
}

function seal(key: Buffer, write: (writer: ByteWriter) => unknown): Row {
  const writer = new ByteWriter(64).u8(STATE_FORMAT);
  write(writer);
  const fields = writer.finish();
  const value = Buffer.allocUnsafe(fields.length + 4);
  value.set(fields);
  value.writeUInt32LE(crc32c(fields, crc32c(key)), fields.length);
  return { key, value };
}

function open<T>({ key, value }: Row, read: (reader: ByteReader) => T): T {
  if (value.length < 5) throw new DecodeError(`a state row of ${value.length} bytes`);
  const fields = value.subarray(0, -4);
  if (crc32c(fields, crc32c(key)) !== value.readUInt32LE(value.length - 4)) {
    throw new DecodeError('a state row whose CRC does not fit');
  }
  const reader = new ByteReader(fields);
  const format = reader.u8();
  if (format !== STATE_FORMAT) throw new DecodeError(`a state row of unknown format ${format}`);
  const result = read(reader);
  reader.end();
  return result;
}
