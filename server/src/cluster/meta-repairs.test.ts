import { META_GROUP } from '../raft/index.ts';
import type { MetaCommand } from './meta-command.ts';
import { applyMetaCommand } from './meta-state.ts';
import { placeMeta, placeShards } from './placement.ts';
import { SETTINGS } from './testing/formation-bench.ts';
import type { ClusterMap, Member } from './types.ts';

function memberNamed(nodeId: string, storeUuid = `store-of-${nodeId}`): Member {
  return { nodeId, storeUuid, raftAddress: 'r:1', grpcAddress: 'g:1', restAddress: 'h:1', zone: '' };
}

function mapOf(nodes: number): ClusterMap {
  const nodeIds = Array.from({ length: nodes }, (_, at) => `node-${at + 1}`);
  return {
    clusterId: 'c',
    version: 5,
    settings: SETTINGS,
    members: nodeIds.map((nodeId) => memberNamed(nodeId)),
    meta: placeMeta(nodeIds),
    shards: placeShards({ nodeIds, ...SETTINGS }),
    collections: [],
  };
}

const apply = (map: ClusterMap, command: MetaCommand, index = 9): ReturnType<typeof applyMetaCommand> =>
  applyMetaCommand(map, command, index);

const readmit = (nodeId: string, storeUuid: string, former = `store-of-${nodeId}`): MetaCommand => ({
  kind: 'readmitMember',
  former,
  member: memberNamed(nodeId, storeUuid),
});

describe('a member with a new store', () => {
  test('has another replica in the place of every one that it has lost; the others stay', () => {
    const { map, result } = apply(mapOf(3), readmit('node-2', 'new'));
    expect(result.kind).toBe('done');
    expect(map).toMatchObject({ version: 9 });
    expect(map?.members[1]?.storeUuid).toBe('new');
    for (const placement of [map!.meta, ...map!.shards]) {
      expect(placement.replicas).toEqual([
        { replicaId: 1, nodeId: 'node-1' },
        { replicaId: 3, nodeId: 'node-3' },
        { replicaId: 4, nodeId: 'node-2' },
      ]);
      expect(placement.leaving).toEqual([{ replicaId: 2, nodeId: 'node-2' }]);
      expect(placement).toMatchObject({ founders: [1, 2, 3], nextReplicaId: 5 });
    }
  });

  test('is admitted once, however often it asks', () => {
    const { map } = apply(mapOf(3), readmit('node-2', 'new'));
    expect(apply(map!, readmit('node-2', 'new'), 10)).toEqual({ map, result: { kind: 'done' } });
  });

  test('that was wiped again gets other replicas again; no id comes twice', () => {
    const { map } = apply(mapOf(3), readmit('node-2', 'new'));
    const again = apply(map!, readmit('node-2', 'newer', 'new'), 10).map!;
    expect(again.meta.replicas.at(-1)).toEqual({ replicaId: 5, nodeId: 'node-2' });
    expect(again.meta.leaving.map(({ replicaId }) => replicaId)).toEqual([2, 4]);
  });

  test.each([
    ['a stranger', readmit('node-9', 'new')],
    ['one whose member has another store than was thought', readmit('node-2', 'new', 'older')],
  ])('%s is refused, and nothing changes', (_, command) => {
    const before = mapOf(3);
    const { map, result } = apply(before, command);
    expect(map).toBe(before);
    expect(result.kind).toBe('refused');
  });

  test('is a learner of meta when the one before was', () => {
    const { map } = apply(mapOf(7), readmit('node-6', 'new'));
    expect(map!.meta.learners).toEqual([7, 8]);
    expect(apply(mapOf(7), readmit('node-1', 'new')).map!.meta.learners).toEqual([6, 7]);
  });
});

describe('one replica', () => {
  test.each([0, META_GROUP])('of group %d is replaced on its node, once', (group) => {
    const { map } = apply(mapOf(3), { kind: 'replaceReplica', group, replicaId: 2 });
    const placement = group === META_GROUP ? map!.meta : map!.shards[group]!;
    expect(placement.replicas.map(({ replicaId }) => replicaId)).toEqual([1, 3, 4]);
    expect(placement.leaving).toEqual([{ replicaId: 2, nodeId: 'node-2' }]);
    const repeated = apply(map!, { kind: 'replaceReplica', group, replicaId: 2 }, 10);
    expect(repeated.result.kind).toBe('refused');
    expect(repeated.map).toBe(map);
  });

  test('that left is forgotten, and only it', () => {
    const { map } = apply(mapOf(3), readmit('node-2', 'new'));
    const command: MetaCommand = { kind: 'forgetReplicas', group: 1, replicaIds: [2, 7] };
    const after = apply(map!, command, 10).map!;
    expect(after.shards[1]?.leaving).toEqual([]);
    expect(after.shards[0]?.leaving).toHaveLength(1);
    expect(apply(after, command, 11)).toEqual({ map: after, result: { kind: 'done' } });
  });

  test('of a group that is not there is refused', () => {
    const before = mapOf(3);
    expect(apply(before, { kind: 'replaceReplica', group: 99, replicaId: 1 }).result.kind).toBe('refused');
    expect(apply(before, { kind: 'forgetReplicas', group: 99, replicaIds: [1] }).map).toBe(before);
  });
});
