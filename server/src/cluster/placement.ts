import { invariant } from '../base/index.ts';
import type { GroupPlacement, MetaPlacement, ReplicaPlacement, ShardPlacement } from './types.ts';

/**
 * Node that should lead `shard` of `shardCount` among `nodeIds` (ascending): each node gets one contiguous run of
 * shards, as long as its neighbours' within one. 16 shards on 3 nodes: 0-5, 6-10, 11-15.
 */
export function preferredLeader(shard: number, nodeIds: readonly string[], shardCount: number): string {
  invariant(shard >= 0 && shard < shardCount, 'a shard number is below the shard count', {
    shard,
    shardCount,
  });
  const nodeId = nodeIds[Math.floor((shard * nodeIds.length) / shardCount)];
  invariant(nodeId !== undefined, 'shards are placed on at least one node', { nodes: nodeIds.length });
  return nodeId;
}

export interface PlacementRequest {
  /** Ascending, without repeats. */
  readonly nodeIds: readonly string[];
  readonly shardCount: number;
  readonly replicaCount: number;
}

/**
 * The first map of a cluster: every shard has min(replicaCount, nodes) replicas on distinct nodes, one of them its
 * preferred leader; the nodes hold equally many within one. A node has the same replica id, its position counted
 * from 1, in every group.
 */
export function placeShards(request: PlacementRequest): ShardPlacement[] {
  const { nodeIds, shardCount } = request;
  const leaders = Array.from({ length: shardCount }, (_, shard) =>
    preferredLeader(shard, nodeIds, shardCount),
  );
  const holders = spread(request, leaders);
  level(nodeIds, leaders, holders);
  return leaders.map((leader, shard) => {
    const replicas = nodeIds.flatMap((nodeId, position) =>
      holders[shard]?.has(nodeId) === true ? [{ replicaId: position + 1, nodeId }] : [],
    );
    return { shard, preferredLeader: leader, ...newGroup(replicas, nodeIds) };
  });
}

/** Most voters of `meta`: more would make every change wait for more disks, and five survive two losses. */
const META_VOTERS_MAX = 5;

/** The first placement of `meta`: on every node, with the replica id of the node in every group. */
export function placeMeta(nodeIds: readonly string[]): MetaPlacement {
  const replicas = nodeIds.map((nodeId, position) => ({ replicaId: position + 1, nodeId }));
  const group = newGroup(replicas, nodeIds);
  return { ...group, learners: group.founders.slice(META_VOTERS_MAX) };
}

/** The configuration that the founders of `meta` begin with. */
export function metaBootstrap({ founders }: MetaPlacement): { voters: number[]; learners: number[] } {
  return { voters: founders.slice(0, META_VOTERS_MAX), learners: founders.slice(META_VOTERS_MAX) };
}

function newGroup(replicas: readonly ReplicaPlacement[], nodeIds: readonly string[]): GroupPlacement {
  const founders = replicas.map(({ replicaId }) => replicaId);
  return { replicas, leaving: [], founders, nextReplicaId: nodeIds.length + 1 };
}

/** Node of every replica that a group may have. */
export function nodesOf({ replicas, leaving }: GroupPlacement): Map<number, string> {
  return new Map([...leaving, ...replicas].map(({ replicaId, nodeId }) => [replicaId, nodeId]));
}

/** Another replica, on the same node, in the place of one. */
export function withReplaced<T extends GroupPlacement>(group: T, replicaId: number): T {
  const former = group.replicas.find((replica) => replica.replicaId === replicaId);
  if (former === undefined) return group;
  const replacement = { replicaId: group.nextReplicaId, nodeId: former.nodeId };
  return {
    ...group,
    replicas: [...group.replicas.filter((replica) => replica !== former), replacement],
    leaving: [...group.leaving, former].sort((a, b) => a.replicaId - b.replicaId),
    nextReplicaId: group.nextReplicaId + 1,
  };
}

/** Gives each shard its leader, then the nodes that hold the least so far; those next to the leader first when equal. */
function spread(request: PlacementRequest, leaders: readonly string[]): Set<string>[] {
  const { nodeIds } = request;
  const held = countBy(nodeIds, leaders);
  return leaders.map((leader) => {
    const start = nodeIds.indexOf(leader) + 1;
    const circle = [...nodeIds.slice(start), ...nodeIds.slice(0, start - 1)];
    circle.sort((a, b) => load(held, a) - load(held, b));
    const followers = circle.slice(0, Math.max(0, request.replicaCount - 1));
    for (const nodeId of followers) held.set(nodeId, load(held, nodeId) + 1);
    return new Set([leader, ...followers]);
  });
}

/** Moves followers from nodes that hold most to nodes that hold least, until no move makes it more even. */
function level(
  nodeIds: readonly string[],
  leaders: readonly string[],
  holders: readonly Set<string>[],
): void {
  const held = countBy(
    nodeIds,
    holders.flatMap((nodes) => [...nodes]),
  );
  for (let move = findMove(nodeIds, leaders, holders, held); move !== undefined;) {
    move.nodes.delete(move.from);
    move.nodes.add(move.to);
    held.set(move.from, load(held, move.from) - 1);
    held.set(move.to, load(held, move.to) + 1);
    move = findMove(nodeIds, leaders, holders, held);
  }
}

function findMove(
  nodeIds: readonly string[],
  leaders: readonly string[],
  holders: readonly Set<string>[],
  held: ReadonlyMap<string, number>,
): { readonly nodes: Set<string>; readonly from: string; readonly to: string } | undefined {
  const byLoad = [...nodeIds].sort((a, b) => load(held, a) - load(held, b));
  for (const from of byLoad.toReversed()) {
    for (const to of byLoad) {
      if (load(held, from) - load(held, to) < 2) break;
      const nodes = holders.find((set, shard) => set.has(from) && !set.has(to) && leaders[shard] !== from);
      if (nodes !== undefined) return { nodes, from, to };
    }
  }
  return undefined;
}

function countBy(nodeIds: readonly string[], holders: readonly string[]): Map<string, number> {
  const held = new Map(nodeIds.map((nodeId) => [nodeId, 0]));
  for (const nodeId of holders) held.set(nodeId, load(held, nodeId) + 1);
  return held;
}

function load(held: ReadonlyMap<string, number>, nodeId: string): number {
  return held.get(nodeId) ?? 0;
}
