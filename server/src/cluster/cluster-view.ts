import type { GroupReport } from './node-status.ts';
import type { HeardStatus } from './status-exchange.ts';
import type { ClusterMap, Member, ReplicaPlacement, ShardPlacement } from './types.ts';

/** Not heard for so long: `suspect`, then `down`. Nobody is ever removed for it. */
const SUSPECT_AFTER_MS = 3_000;
const DOWN_AFTER_MS = 10_000;
/** A replica at most so many entries behind its leader's commit counts as caught up: writes go on while one looks. */
const CAUGHT_UP_ENTRIES = 1_000;

export type NodeState = 'joining' | 'healthy' | 'suspect' | 'down';

/** Everything this node knows of the cluster at one moment; the views below are pure functions of it. */
export interface ClusterPicture {
  readonly map: ClusterMap;
  readonly heard: ReadonlyMap<string, HeardStatus>;
  /** How long this node has been listening: who was never heard is judged by that. */
  readonly listeningMs: number;
}

export interface GroupLeader {
  readonly nodeId: string;
  readonly term: number;
  /** Undefined until the leader itself has reported. */
  readonly report: GroupReport | undefined;
}

export function silenceMs(picture: ClusterPicture, nodeId: string): number {
  return picture.heard.get(nodeId)?.ageMs ?? picture.listeningMs;
}

export function reportOf(picture: ClusterPicture, nodeId: string, group: number): GroupReport | undefined {
  const heard = picture.heard.get(nodeId);
  if (heard === undefined || heard.ageMs > SUSPECT_AFTER_MS) return undefined;
  return heard.status.groups.find((report) => report.group === group);
}

/** The leader that the replica with the highest term knows, among nodes heard lately; a replica without one has no say. */
export function leaderOf(picture: ClusterPicture, group: number): GroupLeader | undefined {
  let best: { readonly nodeId: string; readonly term: number } | undefined;
  for (const nodeId of picture.heard.keys()) {
    const report = reportOf(picture, nodeId, group);
    if (report?.leaderNode === undefined || report.term <= (best?.term ?? -1)) continue;
    best = { nodeId: report.leaderNode, term: report.term };
  }
  if (best === undefined) return undefined;
  const report = reportOf(picture, best.nodeId, group);
  const confirmed = report?.role === 'leader' && report.term === best.term;
  return { ...best, report: confirmed ? report : undefined };
}

export function nodeStateOf(picture: ClusterPicture, member: Member): NodeState {
  const silence = silenceMs(picture, member.nodeId);
  if (silence > DOWN_AFTER_MS) return 'down';
  if (silence > SUSPECT_AFTER_MS || !picture.heard.has(member.nodeId)) return 'suspect';
  const held = picture.map.shards.filter((shard) => holds(shard, member.nodeId));
  return held.every((shard) => isCaughtUp(picture, shard, member.nodeId)) ? 'healthy' : 'joining';
}

/** `isCaughtUpIn` for a shard. */
export function isCaughtUp(picture: ClusterPicture, shard: ShardPlacement, nodeId: string): boolean {
  return isCaughtUpIn(picture, { group: shard.shard, replicas: shard.replicas }, nodeId);
}

export interface PlacedGroup {
  readonly group: number;
  readonly replicas: readonly ReplicaPlacement[];
}

/** A started voter that its leader replicates to without a gap. Without a leader nobody can tell: started is enough. */
export function isCaughtUpIn(
  picture: ClusterPicture,
  { group, replicas }: PlacedGroup,
  nodeId: string,
): boolean {
  const own = reportOf(picture, nodeId, group);
  const wanted = replicas.find((replica) => replica.nodeId === nodeId);
  // Another one is about to be replaced.
  if (own === undefined || own.replicaId !== wanted?.replicaId) return false;
  if (own.role === 'learner' || own.isDamaged) return false;
  const leader = leaderOf(picture, group);
  if (leader?.report === undefined || leader.nodeId === nodeId) return true;
  const progress = leader.report.progress.find(({ replica }) => replica === own.replicaId);
  if (progress === undefined || progress.isLearner || progress.state !== 'replicate') return false;
  return Math.min(progress.match, own.applied) + CAUGHT_UP_ENTRIES >= leader.report.commit;
}

/** Replicas on nodes that are not down; fewer than the cluster's `replica_count` is under-replicated. */
export function liveReplicas(picture: ClusterPicture, shard: ShardPlacement): number {
  return shard.replicas.filter(({ nodeId }) => silenceMs(picture, nodeId) <= DOWN_AFTER_MS).length;
}

/** Points of a shard as its leader counts them; without a leader, what the fullest replica holds. */
export function vectorsOf(picture: ClusterPicture, shard: ShardPlacement): number {
  const leader = leaderOf(picture, shard.shard);
  if (leader?.report !== undefined) return leader.report.vectors;
  const counts = shard.replicas.map(({ nodeId }) => reportOf(picture, nodeId, shard.shard)?.vectors ?? 0);
  return Math.max(0, ...counts);
}

export function holds(shard: ShardPlacement, nodeId: string): boolean {
  return shard.replicas.some((replica) => replica.nodeId === nodeId);
}
