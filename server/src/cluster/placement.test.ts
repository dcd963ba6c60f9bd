import fc from 'fast-check';
import { placeShards, preferredLeader, type PlacementRequest } from './placement.ts';
import type { ShardPlacement } from './types.ts';

const nodeNames = (count: number): string[] =>
  Array.from({ length: count }, (_, position) => `node-${String.fromCharCode(97 + position)}`);

const requests = fc
  .record({
    nodes: fc.integer({ min: 1, max: 12 }),
    shardCount: fc.integer({ min: 1, max: 64 }),
    replicaCount: fc.integer({ min: 1, max: 7 }),
  })
  .map(({ nodes, ...rest }): PlacementRequest => ({ nodeIds: nodeNames(nodes), ...rest }));

function held(
  request: PlacementRequest,
  nodesOf: (placement: ShardPlacement) => readonly string[],
): number[] {
  const nodes = placeShards(request).flatMap(nodesOf);
  return request.nodeIds.map((nodeId) => nodes.filter((other) => other === nodeId).length);
}

const unevenness = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);

test('sixteen shards on three nodes prefer the leaders that the guide means', () => {
  const leaders = placeShards({
    nodeIds: ['node-1', 'node-2', 'node-3'],
    shardCount: 16,
    replicaCount: 3,
  }).map(({ preferredLeader }) => preferredLeader);
  const runs = ['node-1', 'node-2', 'node-3'].map((nodeId) => [
    leaders.indexOf(nodeId),
    leaders.lastIndexOf(nodeId),
  ]);
  expect(runs).toEqual([
    [0, 5],
    [6, 10],
    [11, 15],
  ]);
});

test('every shard has as many replicas as asked for, on distinct nodes, when there are enough', () => {
  fc.assert(
    fc.property(requests, (request) => {
      for (const { replicas } of placeShards(request)) {
        expect(replicas).toHaveLength(Math.min(request.replicaCount, request.nodeIds.length));
        expect(new Set(replicas.map(({ nodeId }) => nodeId)).size).toBe(replicas.length);
      }
    }),
  );
});

test('a node has one replica id in all groups, its position among the nodes', () => {
  fc.assert(
    fc.property(requests, (request) => {
      for (const { replicas } of placeShards(request)) {
        for (const { replicaId, nodeId } of replicas) expect(request.nodeIds[replicaId - 1]).toBe(nodeId);
      }
    }),
  );
});

test('the preferred leader holds the shard, and leaders are spread within one of each other', () => {
  fc.assert(
    fc.property(requests, (request) => {
      for (const { shard, replicas, preferredLeader: leader } of placeShards(request)) {
        expect(leader).toBe(preferredLeader(shard, request.nodeIds, request.shardCount));
        expect(replicas.map(({ nodeId }) => nodeId)).toContain(leader);
      }
      expect(unevenness(held(request, ({ preferredLeader: leader }) => [leader]))).toBeLessThanOrEqual(1);
    }),
  );
});

test('replicas are spread within one of each other', () => {
  fc.assert(
    fc.property(requests, (request) => {
      expect(
        unevenness(held(request, ({ replicas }) => replicas.map(({ nodeId }) => nodeId))),
      ).toBeLessThanOrEqual(1);
    }),
    { numRuns: 500 },
  );
});
