import { META_GROUP } from '../raft/index.ts';
import { type ClusterPicture, type GroupLeader, leaderOf, reportOf } from './cluster-view.ts';
import type { MetaCommand } from './meta-command.ts';
import { placementOf } from './meta-repairs.ts';
import type { GroupConfiguration, GroupReport } from './node-status.ts';
import type { MembershipChange } from './ports.ts';
import type { GroupPlacement } from './types.ts';

/** Groups with a replica that is catching up, at one time in the cluster: each may need a snapshot. */
const CATCHING_UP_MAX = 4;
/** A learner so many entries behind the commit of its leader has the rest in no time. */
const CAUGHT_UP_ENTRIES = 100;

/** The next step of one group, to be asked of its leader. */
export interface GroupChange {
  readonly group: number;
  readonly leader: string;
  readonly change: MembershipChange;
}

export interface RepairPlan {
  readonly commands: readonly MetaCommand[];
  readonly changes: readonly GroupChange[];
}

interface Group {
  readonly group: number;
  readonly placement: GroupPlacement;
  /** Replicas of the placement that shall have no vote. */
  readonly learners: readonly number[];
  readonly leader: GroupLeader & { readonly report: GroupReport };
  readonly configuration: GroupConfiguration;
}

/**
 * What brings the groups to where the map wants them, one step at a time: a missing replica is added as a learner; when it
 * has caught up, it takes the place of one that is leaving, in one joint change; what is in no configuration any more is
 * forgotten. A replica with a damaged log is replaced. A group without a leader is left alone: only a quorum of its other
 * voters can change it. Follows from the picture alone, so it may be repeated, by anybody, at any time.
 */
export function planRepairs(picture: ClusterPicture): RepairPlan {
  const groups = [META_GROUP, ...picture.map.shards.map(({ shard }) => shard)]
    .map((group) => groupOf(picture, group))
    .filter((group) => group !== undefined);
  let room = CATCHING_UP_MAX - groups.filter((group) => isReceiving(group)).length;
  const changes: GroupChange[] = [];
  const commands: MetaCommand[] = [];
  for (const group of groups) {
    // A node learns from `meta` what else it shall hold: nothing on it could catch up before.
    const steps = stepsOf(group, group.group === META_GROUP || room > 0);
    if (steps?.some(({ type }) => type === 'addLearner') === true) room -= 1;
    if (steps !== undefined) {
      const change = { configurationIndex: group.configuration.index, steps };
      changes.push({ group: group.group, leader: group.leader.nodeId, change });
    }
    commands.push(...forgotten(picture, group), ...damaged(picture, group));
  }
  return { commands, changes };
}

function groupOf(picture: ClusterPicture, group: number): Group | undefined {
  const placement = placementOf(picture.map, group);
  const leader = leaderOf(picture, group);
  const configuration = leader?.report?.configuration;
  if (placement === undefined || leader?.report === undefined || configuration === undefined)
    return undefined;
  const learners = group === META_GROUP ? picture.map.meta.learners : [];
  return { group, placement, learners, leader: { ...leader, report: leader.report }, configuration };
}

function stepsOf(group: Group, hasRoom: boolean): MembershipChange['steps'] | undefined {
  const { placement, configuration } = group;
  // It is left by itself.
  if (configuration.votersOutgoing.length > 0) return undefined;
  const wanted = new Set(placement.replicas.map(({ replicaId }) => replicaId));
  const stray = configuration.learners.filter((replica) => !wanted.has(replica));
  if (stray.length > 0) return stray.map((replica) => ({ type: 'remove', replica }));
  const known = [...configuration.voters, ...configuration.learners];
  const missing = placement.replicas.find(({ replicaId }) => !known.includes(replicaId));
  if (missing === undefined) return votersStep(group, wanted);
  return hasRoom ? [{ type: 'addLearner', replica: missing.replicaId }] : undefined;
}

/** One replica in and one out, in one change: in between, both quorums are needed. */
function votersStep(group: Group, wanted: ReadonlySet<number>): MembershipChange['steps'] | undefined {
  const { configuration, leader } = group;
  const added = catchingUp(group).find((replica) => hasCaughtUp(group, replica));
  const isComplete = catchingUp(group).length === 0;
  // The leader goes last, when somebody else can lead.
  const removed = configuration.voters.find(
    (replica) => !wanted.has(replica) && replica !== leader.report.replicaId,
  );
  if (added === undefined && !(isComplete && removed !== undefined)) return undefined;
  const voters = [...configuration.voters.filter((replica) => replica !== removed)];
  if (added !== undefined) voters.push(added);
  if (!hasQuorum(group, voters)) return undefined;
  return [
    ...(added === undefined ? [] : [{ type: 'addVoter' as const, replica: added }]),
    ...(removed === undefined ? [] : [{ type: 'remove' as const, replica: removed }]),
  ];
}

/** A learner on a node that is away takes nobody's place. */
function isReceiving(group: Group): boolean {
  const { progress } = group.leader.report;
  return catchingUp(group).some((learner) =>
    progress.some(({ replica, recentActive }) => replica === learner && recentActive),
  );
}

/** Learners that shall vote. */
function catchingUp({ placement, learners, configuration }: Group): number[] {
  return placement.replicas
    .map(({ replicaId }) => replicaId)
    .filter((replica) => configuration.learners.includes(replica) && !learners.includes(replica));
}

function hasCaughtUp({ leader }: Group, replica: number): boolean {
  const progress = leader.report.progress.find((candidate) => candidate.replica === replica);
  if (progress?.state !== 'replicate' || !progress.recentActive) return false;
  return progress.match + CAUGHT_UP_ENTRIES >= leader.report.commit;
}

/** Enough of them answer the leader now: the change will not stop the group. */
function hasQuorum({ leader }: Group, voters: readonly number[]): boolean {
  const active = leader.report.progress.filter(({ recentActive, replica }) => {
    return voters.includes(replica) && (recentActive || replica === leader.report.replicaId);
  });
  return active.length * 2 > voters.length;
}

/**
 * Only when most voters go by what the leader goes by, and will after a power loss. Until then the others may need the
 * outgoing voters too, and the map must go on saying that the group is being repaired.
 */
function forgotten(picture: ClusterPicture, { group, placement, configuration }: Group): MetaCommand[] {
  const { voters, votersOutgoing, learners } = configuration;
  const ofVoters = placement.replicas.filter(({ replicaId }) => voters.includes(replicaId));
  const settled = ofVoters.filter(({ nodeId, replicaId }) => {
    const report = reportOf(picture, nodeId, group);
    return report?.replicaId === replicaId && report.durableConfiguration >= configuration.index;
  });
  if (settled.length * 2 <= voters.length) return [];
  const named = new Set([...voters, ...votersOutgoing, ...learners]);
  const replicaIds = placement.leaving
    .map(({ replicaId }) => replicaId)
    .filter((replica) => !named.has(replica));
  return replicaIds.length === 0 ? [] : [{ kind: 'forgetReplicas', group, replicaIds }];
}

/** One at a time, and only while the others can do without it. */
function damaged(picture: ClusterPicture, group: Group): MetaCommand[] {
  const { placement, configuration } = group;
  const lost = placement.replicas.find(({ replicaId, nodeId }) => {
    const report = reportOf(picture, nodeId, group.group);
    return report?.isDamaged === true && report.replicaId === replicaId;
  });
  if (lost === undefined) return [];
  // One that has no vote yet can be replaced at any time; of voters one is lost at a time.
  const isVoter = configuration.voters.includes(lost.replicaId);
  if (isVoter && (placement.leaving.length > 0 || !hasQuorum(group, configuration.voters))) return [];
  return [{ kind: 'replaceReplica', group: group.group, replicaId: lost.replicaId }];
}
