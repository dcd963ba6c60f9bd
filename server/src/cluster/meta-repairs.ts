import { META_GROUP } from '../raft/index.ts';
import type { MetaCommand } from './meta-command.ts';
import type { MetaResult } from './meta-state.ts';
import { withReplaced } from './placement.ts';
import type { ClusterMap, GroupPlacement, MetaPlacement } from './types.ts';

type Command<K extends MetaCommand['kind']> = Extract<MetaCommand, { kind: K }>;

interface Applied {
  readonly map: ClusterMap;
  readonly result: MetaResult;
}

const DONE: MetaResult = { kind: 'done' };

export function readmitMember(map: ClusterMap, command: Command<'readmitMember'>, index: number): Applied {
  const { member, former } = command;
  const { nodeId, storeUuid } = member;
  const known = map.members.find((other) => other.nodeId === nodeId);
  if (known === undefined) return refused(map, `${nodeId} is not a member`);
  if (known.storeUuid === storeUuid) return { map, result: DONE };
  if (known.storeUuid !== former)
    return refused(map, `${nodeId} is a member under store ${known.storeUuid}, not ${former}`);
  return {
    map: {
      ...map,
      version: index,
      members: map.members.map((other) => (other === known ? member : other)),
      meta: withoutStore(map.meta, nodeId),
      shards: map.shards.map((shard) => withReplacedOn(shard, nodeId)),
    },
    result: DONE,
  };
}

export function replaceReplica(map: ClusterMap, command: Command<'replaceReplica'>, index: number): Applied {
  const { group, replicaId } = command;
  const isReplica = placementOf(map, group)?.replicas.some((replica) => replica.replicaId === replicaId);
  if (isReplica !== true) return refused(map, `${replicaId} is not a replica of group ${group}`);
  return { map: changed(map, index, group, (placed) => withReplaced(placed, replicaId)), result: DONE };
}

export function forgetReplicas(map: ClusterMap, command: Command<'forgetReplicas'>, index: number): Applied {
  const { group, replicaIds } = command;
  const leaving = placementOf(map, group)?.leaving ?? [];
  const left = leaving.filter(({ replicaId }) => !replicaIds.includes(replicaId));
  if (left.length === leaving.length) return { map, result: DONE };
  return { map: changed(map, index, group, (placed) => ({ ...placed, leaving: left })), result: DONE };
}

/** Who shall belong to a group; undefined when there is no such group. */
export function placementOf(map: ClusterMap, group: number): GroupPlacement | undefined {
  return group === META_GROUP ? map.meta : map.shards[group];
}

function changed(
  map: ClusterMap,
  index: number,
  group: number,
  change: <T extends GroupPlacement>(placement: T) => T,
): ClusterMap {
  if (group === META_GROUP) return { ...map, version: index, meta: keepingLearner(map.meta, change) };
  return {
    ...map,
    version: index,
    shards: map.shards.map((shard) => (shard.shard === group ? change(shard) : shard)),
  };
}

function withReplacedOn<T extends GroupPlacement>(placement: T, nodeId: string): T {
  const lost = placement.replicas.find((replica) => replica.nodeId === nodeId);
  return lost === undefined ? placement : withReplaced(placement, lost.replicaId);
}

function withoutStore(meta: MetaPlacement, nodeId: string): MetaPlacement {
  return keepingLearner(meta, (placed) => withReplacedOn(placed, nodeId));
}

/** Whoever takes the place of a learner is one. */
function keepingLearner(
  meta: MetaPlacement,
  change: (placement: MetaPlacement) => MetaPlacement,
): MetaPlacement {
  const after = change(meta);
  const gone = meta.learners.find(
    (learner) => !after.replicas.some(({ replicaId }) => replicaId === learner),
  );
  if (gone === undefined) return after;
  const learners = [...meta.learners.filter((learner) => learner !== gone), meta.nextReplicaId];
  return { ...after, learners };
}

function refused(map: ClusterMap, message: string): Applied {
  return { map, result: { kind: 'refused', message } };
}
