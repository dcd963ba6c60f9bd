import { DEFAULT_COLLECTION_ID, NO_PAYLOAD_INDEXES } from '../model/index.ts';
import type { MetaCommand } from './meta-command.ts';
import { placeMeta, placeShards } from './placement.ts';
import type { FormationRecord } from './record.ts';
import type { HeardStatus } from './status-exchange.ts';
import type { ClusterMap, Member } from './types.ts';

interface DutyRequest {
  readonly record: FormationRecord;
  readonly map: ClusterMap | undefined;
  readonly heard: ReadonlyMap<string, HeardStatus>;
}

/** What the leader of `meta` should propose now: the first map, then every address that has changed. */
export function proposalsOfMetaLeader({ record, map, heard }: DutyRequest): MetaCommand[] {
  if (map === undefined) return [firstMap(record)];
  return map.members.flatMap((member): MetaCommand[] => {
    const changed = changedMember(member, heard.get(member.nodeId));
    return changed === undefined ? [] : [{ kind: 'updateMember', member: changed }];
  });
}

/** The map a cluster begins with. It follows from the record alone, so two leaders in a row propose the same. */
function firstMap({ clusterId, founders, settings }: FormationRecord): MetaCommand {
  const { shardCount, replicaCount, dimension, metric, m } = settings;
  const nodeIds = founders.map(({ nodeId }) => nodeId);
  const collections =
    dimension === undefined
      ? []
      : [{ id: DEFAULT_COLLECTION_ID, name: 'default', dimension, metric, m, ...NO_PAYLOAD_INDEXES }];
  const shards = placeShards({ nodeIds, shardCount, replicaCount });
  const meta = placeMeta(nodeIds);
  return { kind: 'initialise', clusterId, settings, members: founders, meta, shards, collections };
}

/** A member that speaks from another address or zone than the map has; its store was checked when it connected. */
function changedMember(member: Member, heard: HeardStatus | undefined): Member | undefined {
  if (heard === undefined) return undefined;
  const { addresses, zone } = heard.status;
  const now: Member = {
    ...member,
    raftAddress: addresses.raft,
    grpcAddress: addresses.grpc,
    restAddress: addresses.rest,
    zone,
  };
  const isSame =
    now.raftAddress === member.raftAddress &&
    now.grpcAddress === member.grpcAddress &&
    now.restAddress === member.restAddress &&
    now.zone === member.zone;
  return isSame ? undefined : now;
}
