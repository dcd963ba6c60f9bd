import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import type { CollectionSchema } from '../model/index.ts';
import {
  readCollection,
  readFormat,
  readList,
  readMember,
  readPlacement,
  readSettings,
  writeCollection,
  writeList,
  writeMember,
  writePlacement,
  writeSettings,
} from './codec.ts';
import type { ClusterSettings, Member, ShardPlacement } from './types.ts';

/** What the `meta` group replicates. An unknown kind stops the replica: skipping it would let replicas differ. */
export type MetaCommand =
  | {
      /** The first command of a cluster; later ones change nothing. */
      readonly kind: 'initialise';
      readonly clusterId: string;
      readonly settings: ClusterSettings;
      readonly members: readonly Member[];
      readonly shards: readonly ShardPlacement[];
      readonly collections: readonly CollectionSchema[];
    }
  /** Changes nothing when a collection of that name exists; the result is the collection that does. */
  | { readonly kind: 'createCollection'; readonly schema: CollectionSchema }
  /** New addresses or zone of a member; changes nothing unless the store is the member's. */
  | { readonly kind: 'updateMember'; readonly member: Member };

const FORMAT = 1;
const KIND = { initialise: 1, createCollection: 2, updateMember: 3 } as const;

export function encodeMetaCommand(command: MetaCommand): Buffer {
  const out = new ByteWriter();
  out.u8(FORMAT).u8(KIND[command.kind]);
  switch (command.kind) {
    case 'initialise':
      out.text(command.clusterId);
      writeSettings(out, command.settings);
      writeList(out, command.members, (member) => writeMember(out, member));
      writeList(out, command.shards, (shard) => writePlacement(out, shard));
      writeList(out, command.collections, (schema) => writeCollection(out, schema));
      break;
    case 'createCollection':
      writeCollection(out, command.schema);
      break;
    case 'updateMember':
      writeMember(out, command.member);
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
        shards: readList(from, readPlacement),
        collections: readList(from, readCollection),
      };
    case KIND.createCollection:
      return { kind: 'createCollection', schema: readCollection(from) };
    case KIND.updateMember:
      return { kind: 'updateMember', member: readMember(from) };
    default:
      throw new DecodeError(`meta command kind ${kind} is unknown to this build`);
  }
}
