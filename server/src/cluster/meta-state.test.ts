import { NO_PAYLOAD_INDEXES } from '../model/index.ts';
import type { MetaCommand } from './meta-command.ts';
import { applyMetaCommand } from './meta-state.ts';
import { placeMeta, placeShards } from './placement.ts';
import { SETTINGS } from './testing/formation-bench.ts';
import type { ClusterMap, Member } from './types.ts';

function memberNamed(nodeId: string, storeUuid = `store-of-${nodeId}`): Member {
  return { nodeId, storeUuid, raftAddress: 'r:1', grpcAddress: 'g:1', restAddress: 'h:1', zone: '' };
}

function firstMap(clusterId: string): MetaCommand {
  const nodeIds = ['node-1', 'node-2'];
  return {
    kind: 'initialise',
    clusterId,
    settings: SETTINGS,
    members: nodeIds.map((nodeId) => memberNamed(nodeId)),
    meta: placeMeta(nodeIds),
    shards: placeShards({ nodeIds, ...SETTINGS }),
    collections: [],
  };
}

const { map: MAP } = applyMetaCommand(undefined, firstMap('first'), 5);

const collection = (name: string, dimension: number): MetaCommand => ({
  kind: 'createCollection',
  schema: { id: 1, name, dimension, metric: 'cosine', m: 16, ...NO_PAYLOAD_INDEXES },
});

test('the first map that is committed stays', () => {
  expect(MAP).toMatchObject({ clusterId: 'first', version: 5 });
  expect(applyMetaCommand(MAP, firstMap('second'), 6)).toEqual({ map: MAP, result: { kind: 'done' } });
});

test('a collection is made once: whoever comes second gets the one that is there', () => {
  const { map, result } = applyMetaCommand(MAP, collection('default', 3), 6);
  expect(result).toMatchObject({ kind: 'collection', schema: { dimension: 3 } });
  expect(map).toMatchObject({ version: 6 });
  const second = applyMetaCommand(map, collection('default', 5), 7);
  expect(second.result).toEqual(result);
  expect(second.map).toBe(map);
});

test('a member changes its addresses only under its own store', () => {
  const moved = { ...memberNamed('node-2'), restAddress: 'elsewhere:1' };
  expect(applyMetaCommand(MAP, { kind: 'updateMember', member: moved }, 6).map?.members[1]).toEqual(moved);
  for (const stranger of [memberNamed('node-2', 'another store'), memberNamed('node-9')]) {
    const applied = applyMetaCommand(MAP, { kind: 'updateMember', member: stranger }, 6);
    expect(applied.map).toBe(MAP);
    expect(applied.result.kind).toBe('refused');
  }
});

test('before the first map nothing else can be applied', () => {
  const { map, result } = applyMetaCommand(undefined, collection('default', 3), 1);
  expect(map).toBeUndefined();
  expect(result.kind).toBe('refused');
});

test('an index of a field is made once, keeps its number to itself, and goes when it is dropped', () => {
  const apply = (map: ClusterMap | undefined, command: MetaCommand, index: number) =>
    applyMetaCommand(map, command, index);
  let { map } = apply(undefined, firstMap('c'), 1);
  ({ map } = apply(map, collection('default', 3), 2));
  const on = (field: string, type: 'keyword' | 'geo'): MetaCommand => {
    return { kind: 'createIndex', collection: 1, field, type };
  };
  ({ map } = apply(map, on('a', 'keyword'), 3));
  ({ map } = apply(map, on('b', 'geo'), 4));
  expect(apply(map, on('a', 'keyword'), 5).map).toBe(map);
  expect(apply(map, on('a', 'geo'), 5).result).toMatchObject({ kind: 'refused' });
  ({ map } = apply(map, { kind: 'dropIndex', collection: 1, field: 'a' }, 5));
  expect(apply(map, { kind: 'dropIndex', collection: 1, field: 'a' }, 6).map).toBe(map);
  ({ map } = apply(map, on('a', 'keyword'), 6));
  expect(map?.collections[0]?.payloadIndexes).toEqual([
    { number: 1, field: 'b', type: 'geo' },
    { number: 2, field: 'a', type: 'keyword' },
  ]);
  expect(map?.version).toBe(6);
});
