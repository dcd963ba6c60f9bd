import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import { type CollectionSchema, FIELD_TYPES, type FieldType } from '../model/index.ts';
import {
  readCollection,
  readFormat,
  readList,
  readMember,
  readMeta,
  readName,
  readPlacement,
  readSettings,
  writeCollection,
  writeList,
  writeMember,
  writeMeta,
  writePlacement,
  writeSettings,
} from './codec.ts';
import type { ClusterSettings, Member, MetaPlacement, ShardPlacement } from './types.ts';

/** What the `meta` group replicates. An unknown kind stops the replica: skipping it would let replicas differ. */
export type MetaCommand =
  | {
      /** The first command of a cluster; later ones change nothing. */
      readonly kind: 'initialise';
      readonly clusterId: string;
      readonly settings: ClusterSettings;
      readonly members: readonly Member[];
      readonly meta: MetaPlacement;
      readonly shards: readonly ShardPlacement[];
      readonly collections: readonly CollectionSchema[];
    }
  /** Changes nothing when a collection of that name exists; the result is the collection that does. */
  | { readonly kind: 'createCollection'; readonly schema: CollectionSchema }
  /** Changes nothing when the field has one of this type; refused when it has one of another, or the collection has too many. */
  | {
      readonly kind: 'createIndex';
      readonly collection: number;
      readonly field: string;
      readonly type: FieldType;
    }
  /** Changes nothing when there is none. */
  | { readonly kind: 'dropIndex'; readonly collection: number; readonly field: string }
  /** New addresses or zone of a member; changes nothing unless the store is the member's. */
  | { readonly kind: 'updateMember'; readonly member: Member }
  /**
   * A node comes with a new store in place of `former`: from now on that is the member, and in every group another
   * replica takes the place of the one that is lost. Changes nothing when it is so already; refused when the member's
   * store is another one.
   */
  | { readonly kind: 'readmitMember'; readonly former: string; readonly member: Member }
  /** Another replica on the same node takes the place of one whose log is damaged; refused when it is not one of the group. */
  | { readonly kind: 'replaceReplica'; readonly group: number; readonly replicaId: number }
  /** The configuration of the group names these no more. */
  | { readonly kind: 'forgetReplicas'; readonly group: number; readonly replicaIds: readonly number[] };

const FORMAT = 2;
const KIND = {
  initialise: 1,
  createCollection: 2,
  updateMember: 3,
  readmitMember: 4,
  replaceReplica: 5,
  forgetReplicas: 6,
  createIndex: 7,
  dropIndex: 8,
} as const;

export function encodeMetaCommand(command: MetaCommand): Buffer {
  const out = new ByteWriter();
  out.u8(FORMAT).u8(KIND[command.kind]);
  switch (command.kind) {
    case 'initialise':
      out.text(command.clusterId);
      writeSettings(out, command.settings);
      writeList(out, command.members, (member) => writeMember(out, member));
      writeMeta(out, command.meta);
      writeList(out, command.shards, (shard) => writePlacement(out, shard));
      writeList(out, command.collections, (schema) => writeCollection(out, schema));
      break;
    case 'createCollection':
      writeCollection(out, command.schema);
      break;
    case 'createIndex':
      out.u32(command.collection).text(command.field).text(command.type);
      break;
    case 'dropIndex':
      out.u32(command.collection).text(command.field);
      break;
    case 'updateMember':
      writeMember(out, command.member);
      break;
    case 'readmitMember':
      out.text(command.former);
      writeMember(out, command.member);
      break;
    case 'replaceReplica':
      out.u16(command.group).u53(command.replicaId);
      break;
    case 'forgetReplicas':
      out.u16(command.group);
      writeList(out, command.replicaIds, (replica) => out.u53(replica));
      break;
  }
  return out.finish();
}

/** Throws `DecodeError` for a format or kind of a later build, and for damage. */
export function decodeMetaCommand(bytes: Buffer): MetaCommand {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'a meta command');
  const command = readBody(from, from.u8());
  from.end();
  return command;
}

function readBody(from: ByteReader, kind: number): MetaCommand {
  switch (kind) {
    case KIND.initialise:
      return {
        kind: 'initialise',
        clusterId: from.text(),
        settings: readSettings(from),
        members: readList(from, readMember),
        meta: readMeta(from),
        shards: readList(from, readPlacement),
        collections: readList(from, readCollection),
      };
    case KIND.createCollection:
      return { kind: 'createCollection', schema: readCollection(from) };
    case KIND.createIndex: {
      const collection = from.u32();
      return { kind: 'createIndex', collection, field: from.text(), type: readName(from, FIELD_TYPES) };
    }
    case KIND.dropIndex:
      return { kind: 'dropIndex', collection: from.u32(), field: from.text() };
    case KIND.updateMember:
      return { kind: 'updateMember', member: readMember(from) };
    case KIND.readmitMember:
      return { kind: 'readmitMember', former: from.text(), member: readMember(from) };
    case KIND.replaceReplica:
      return { kind: 'replaceReplica', group: from.u16(), replicaId: from.u53() };
    case KIND.forgetReplicas:
      return {
        kind: 'forgetReplicas',
        group: from.u16(),
        replicaIds: readList(from, (bytes) => bytes.u53()),
      };
    default:
      throw new DecodeError(`meta command kind ${kind} is unknown to this build`);
  }
}
