import { type ByteReader, type ByteWriter, DecodeError } from '../base/index.ts';
import { type CollectionSchema, FIELD_TYPES, METRICS, type PayloadIndex } from '../model/index.ts';
import type {
  ClusterSettings,
  GroupPlacement,
  Member,
  MetaPlacement,
  ReplicaPlacement,
  ShardPlacement,
} from './types.ts';

/** The parts that records, commands and rows are made of. Whoever frames them writes a format version in front. */

const ITEMS_MAX = 65_536;

export function writeList<T>(out: ByteWriter, items: readonly T[], writeItem: (item: T) => void): void {
  out.u32(items.length);
  for (const item of items) writeItem(item);
}

export function readList<T>(from: ByteReader, readItem: (from: ByteReader) => T): T[] {
  const length = from.u32();
  if (length > ITEMS_MAX) throw new DecodeError(`a list of ${length} items is longer than ${ITEMS_MAX}`);
  return Array.from({ length }, () => readItem(from));
}

export function writeOptional<T>(out: ByteWriter, value: T | undefined, write: (value: T) => void): void {
  out.bool(value !== undefined);
  if (value !== undefined) write(value);
}

export function readOptional<T>(from: ByteReader, read: (from: ByteReader) => T): T | undefined {
  return from.bool() ? read(from) : undefined;
}

/** Written by name: a number would change its meaning when the list of names does. */
export function readName<T extends string>(from: ByteReader, names: readonly T[]): T {
  const text = from.text();
  const name = names.find((candidate) => candidate === text);
  if (name === undefined) throw new DecodeError(`'${text}' is none of ${names.join(', ')}`);
  return name;
}

export function readFormat(from: ByteReader, known: number, what: string): void {
  const format = from.u8();
  if (format !== known) throw new DecodeError(`${what} has format ${format}, this build knows ${known}`);
}

export function writeMember(out: ByteWriter, member: Member): void {
  out.text(member.nodeId).text(member.storeUuid).text(member.raftAddress);
  out.text(member.grpcAddress).text(member.restAddress).text(member.zone);
}

export function readMember(from: ByteReader): Member {
  return {
    nodeId: from.text(),
    storeUuid: from.text(),
    raftAddress: from.text(),
    grpcAddress: from.text(),
    restAddress: from.text(),
    zone: from.text(),
  };
}

export function writeSettings(out: ByteWriter, settings: ClusterSettings): void {
  out.u16(settings.shardCount).u16(settings.replicaCount);
  writeOptional(out, settings.dimension, (dimension) => out.u16(dimension));
  out.text(settings.metric).bool(settings.binaryQuantization).u16(settings.m);
}

export function readSettings(from: ByteReader): ClusterSettings {
  return {
    shardCount: from.u16(),
    replicaCount: from.u16(),
    dimension: readOptional(from, (bytes) => bytes.u16()),
    metric: readName(from, METRICS),
    binaryQuantization: from.bool(),
    m: from.u16(),
  };
}

export function writePlacement(out: ByteWriter, placement: ShardPlacement): void {
  out.u16(placement.shard).text(placement.preferredLeader);
  writeGroup(out, placement);
}

export function writeMeta(out: ByteWriter, placement: MetaPlacement): void {
  writeGroup(out, placement);
  writeList(out, placement.learners, (replica) => out.u53(replica));
}

export function readMeta(from: ByteReader): MetaPlacement {
  return { ...readGroup(from), learners: readList(from, (bytes) => bytes.u53()) };
}

function writeGroup(out: ByteWriter, group: GroupPlacement): void {
  for (const replicas of [group.replicas, group.leaving]) {
    writeList(out, replicas, ({ replicaId, nodeId }) => out.u53(replicaId).text(nodeId));
  }
  writeList(out, group.founders, (replica) => out.u53(replica));
  out.u53(group.nextReplicaId);
}

function readGroup(from: ByteReader): GroupPlacement {
  const replica = (bytes: ByteReader): ReplicaPlacement => ({
    replicaId: bytes.u53(),
    nodeId: bytes.text(),
  });
  return {
    replicas: readList(from, replica),
    leaving: readList(from, replica),
    founders: readList(from, (bytes) => bytes.u53()),
    nextReplicaId: from.u53(),
  };
}

export function readPlacement(from: ByteReader): ShardPlacement {
  const shard = from.u16();
  const preferredLeader = from.text();
  return { shard, preferredLeader, ...readGroup(from) };
}

export function writeCollection(out: ByteWriter, schema: CollectionSchema): void {
  out.u32(schema.id).text(schema.name).u16(schema.dimension).text(schema.metric).u16(schema.m);
  writeList(out, schema.payloadIndexes, (index) => out.u16(index.number).text(index.field).text(index.type));
  out.u16(schema.payloadIndexesMade);
}

export function readCollection(from: ByteReader): CollectionSchema {
  return {
    id: from.u32(),
    name: from.text(),
    dimension: from.u16(),
    metric: readName(from, METRICS),
    m: from.u16(),
    payloadIndexes: readList(from, readPayloadIndex),
    payloadIndexesMade: from.u16(),
  };
}

function readPayloadIndex(from: ByteReader): PayloadIndex {
  return { number: from.u16(), field: from.text(), type: readName(from, FIELD_TYPES) };
}
