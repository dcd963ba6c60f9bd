import { type CollectionSchema, PAYLOAD_INDEXES_MAX } from '../model/index.ts';
import type { MetaCommand } from './meta-command.ts';
import { forgetReplicas, readmitMember, replaceReplica } from './meta-repairs.ts';
import { byNodeId, type ClusterMap } from './types.ts';

/** What applying a command answers to whoever proposed it. */
export type MetaResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'collection'; readonly schema: CollectionSchema }
  | { readonly kind: 'refused'; readonly message: string };

/**
 * Applies one command of the `meta` log: pure and deterministic. Answers the same `map` object when nothing changed.
 * `map` is undefined before the first command.
 */
export function applyMetaCommand(
  map: ClusterMap | undefined,
  command: MetaCommand,
  index: number,
): { readonly map: ClusterMap | undefined; readonly result: MetaResult } {
  if (command.kind === 'initialise') return initialise(map, command, index);
  if (map === undefined) return { map, result: { kind: 'refused', message: 'the cluster has no map yet' } };
  switch (command.kind) {
    case 'createCollection':
      return createCollection(map, command.schema, index);
    case 'updateMember':
      return updateMember(map, command, index);
    case 'readmitMember':
      return readmitMember(map, command, index);
    case 'createIndex':
      return createIndex(map, command, index);
    case 'dropIndex':
      return dropIndex(map, command, index);
    case 'replaceReplica':
      return replaceReplica(map, command, index);
    case 'forgetReplicas':
      return forgetReplicas(map, command, index);
  }
}

type Applied = ReturnType<typeof applyMetaCommand>;

/** Two leaders in a row may both propose the first map: the one committed first stays. */
function initialise(
  map: ClusterMap | undefined,
  command: Extract<MetaCommand, { kind: 'initialise' }>,
  index: number,
): Applied {
  if (map !== undefined) return { map, result: { kind: 'done' } };
  const { clusterId, settings, meta, shards, collections } = command;
  const members = [...command.members].sort(byNodeId);
  return {
    map: { clusterId, version: index, settings, members, meta, shards, collections },
    result: { kind: 'done' },
  };
}

function createCollection(map: ClusterMap, schema: CollectionSchema, index: number): Applied {
  const existing = map.collections.find(({ name, id }) => name === schema.name || id === schema.id);
  if (existing !== undefined) return { map, result: { kind: 'collection', schema: existing } };
  const collections = [...map.collections, schema].sort((a, b) => a.id - b.id);
  return { map: { ...map, version: index, collections }, result: { kind: 'collection', schema } };
}

function createIndex(
  map: ClusterMap,
  { collection, field, type }: Extract<MetaCommand, { kind: 'createIndex' }>,
  index: number,
): Applied {
  const schema = map.collections.find(({ id }) => id === collection);
  if (schema === undefined) return { map, result: refused('there is no such collection') };
  const { payloadIndexes, payloadIndexesMade } = schema;
  const existing = payloadIndexes.find((other) => other.field === field);
  if (existing?.type === type) return { map, result: { kind: 'collection', schema } };
  if (existing !== undefined)
    return { map, result: refused(`the field has an index of type ${existing.type}`) };
  if (payloadIndexes.length >= PAYLOAD_INDEXES_MAX)
    return { map, result: refused(`a collection has at most ${PAYLOAD_INDEXES_MAX} indexes`) };
  return changed(map, index, {
    ...schema,
    payloadIndexes: [...payloadIndexes, { number: payloadIndexesMade, field, type }],
    payloadIndexesMade: payloadIndexesMade + 1,
  });
}

function dropIndex(
  map: ClusterMap,
  { collection, field }: Extract<MetaCommand, { kind: 'dropIndex' }>,
  index: number,
): Applied {
  const schema = map.collections.find(({ id }) => id === collection);
  if (schema === undefined) return { map, result: refused('there is no such collection') };
  const payloadIndexes = schema.payloadIndexes.filter((other) => other.field !== field);
  if (payloadIndexes.length === schema.payloadIndexes.length)
    return { map, result: { kind: 'collection', schema } };
  return changed(map, index, { ...schema, payloadIndexes });
}

function changed(map: ClusterMap, index: number, schema: CollectionSchema): Applied {
  const collections = map.collections.map((other) => (other.id === schema.id ? schema : other));
  return { map: { ...map, version: index, collections }, result: { kind: 'collection', schema } };
}

function refused(message: string): MetaResult {
  return { kind: 'refused', message };
}

function updateMember(
  map: ClusterMap,
  { member }: Extract<MetaCommand, { kind: 'updateMember' }>,
  index: number,
): Applied {
  const known = map.members.find(({ nodeId }) => nodeId === member.nodeId);
  if (known?.storeUuid !== member.storeUuid) {
    return { map, result: { kind: 'refused', message: `${member.nodeId} is no member under this store` } };
  }
  const members = map.members.map((other) => (other === known ? member : other));
  return { map: { ...map, version: index, members }, result: { kind: 'done' } };
}
