/**
 * What a change makes of a configuration (thesis 4.3, with the roles of learners as etcd/raft defines them). Pure: the
 * leader uses it to refuse a bad proposal, every replica uses it to apply a committed one.
 */
import { invariant } from '../../../base/index.ts';
import type { ConfChange, ConfChangeRefusal, ConfChangeStep, ConfState, ReplicaId } from '../types.ts';

type ConfRefusal = Exclude<ConfChangeRefusal, 'pending'>;

export type ConfOutcome =
  | { readonly kind: 'changed'; readonly conf: ConfState }
  | { readonly kind: 'refused'; readonly reason: ConfRefusal };

interface Draft {
  readonly voters: Set<ReplicaId>;
  readonly outgoing: Set<ReplicaId>;
  readonly learners: Set<ReplicaId>;
  readonly learnersNext: Set<ReplicaId>;
}

/** Applies `change` to `conf`; never modifies either. */
export function changeConf(conf: ConfState, change: ConfChange): ConfOutcome {
  const isJoint = conf.votersOutgoing.length > 0;
  if (change.steps.length === 0) return isJoint ? changed(leaveJoint(conf)) : refused('notJoint');
  if (isJoint) return refused('joint');
  if (change.steps.some((step) => !isReplicaId(step.replica))) return refused('invalid');
  const draft = draftOf(conf);
  for (const step of change.steps) applyStep(draft, step);
  // One voter more or less keeps all majorities overlapping, so no joint configuration is needed (thesis 4.1).
  const needsJoint = change.transition !== 'auto' || voterDifference(conf, draft) > 1;
  const next = needsJoint ? enterJoint(conf, change) : confOf(draft, false);
  return next.voters.length === 0 ? refused('invalid') : changed(next);
}

/** Fails when a configuration contradicts itself. */
export function checkConf(conf: ConfState): void {
  for (const list of [conf.voters, conf.votersOutgoing, conf.learners, conf.learnersNext]) {
    invariant(isAscending(list), 'replicas of a configuration ascend', { conf });
  }
  const voters = new Set([...conf.voters, ...conf.votersOutgoing]);
  invariant(!conf.learners.some((id) => voters.has(id)), 'a learner is no voter', { conf });
  invariant(
    conf.learnersNext.every((id) => conf.votersOutgoing.includes(id) && !conf.voters.includes(id)),
    'who becomes a learner is an outgoing voter',
    { conf },
  );
  const isJoint = conf.votersOutgoing.length > 0;
  invariant(isJoint || !conf.autoLeave, 'only a joint configuration is left by itself', { conf });
}

function enterJoint(conf: ConfState, change: ConfChange): ConfState {
  const draft = draftOf(conf);
  for (const voter of conf.voters) draft.outgoing.add(voter);
  for (const step of change.steps) applyStep(draft, step);
  return confOf(draft, change.transition !== 'explicit');
}

function leaveJoint(conf: ConfState): ConfState {
  const draft = draftOf(conf);
  for (const learner of draft.learnersNext) draft.learners.add(learner);
  draft.learnersNext.clear();
  draft.outgoing.clear();
  return confOf(draft, false);
}

function applyStep(draft: Draft, step: ConfChangeStep): void {
  switch (step.type) {
    case 'addVoter':
      draft.learners.delete(step.replica);
      draft.learnersNext.delete(step.replica);
      draft.voters.add(step.replica);
      return;
    case 'addLearner':
      draft.voters.delete(step.replica);
      // An outgoing voter still counts in its majority: it becomes a learner when the joint configuration is left.
      if (draft.outgoing.has(step.replica)) draft.learnersNext.add(step.replica);
      else draft.learners.add(step.replica);
      return;
    case 'remove':
      draft.voters.delete(step.replica);
      draft.learners.delete(step.replica);
      draft.learnersNext.delete(step.replica);
  }
}

function voterDifference(conf: ConfState, draft: Draft): number {
  const removed = conf.voters.filter((id) => !draft.voters.has(id)).length;
  const added = draft.voters.size - (conf.voters.length - removed);
  return removed + added;
}

function draftOf(conf: ConfState): Draft {
  return {
    voters: new Set(conf.voters),
    outgoing: new Set(conf.votersOutgoing),
    learners: new Set(conf.learners),
    learnersNext: new Set(conf.learnersNext),
  };
}

function confOf(draft: Draft, autoLeave: boolean): ConfState {
  const conf = {
    voters: ascending(draft.voters),
    votersOutgoing: ascending(draft.outgoing),
    learners: ascending(draft.learners),
    learnersNext: ascending(draft.learnersNext),
    autoLeave,
  };
  checkConf(conf);
  return conf;
}

function isReplicaId(id: ReplicaId): boolean {
  return Number.isSafeInteger(id) && id > 0;
}

function isAscending(ids: readonly ReplicaId[]): boolean {
  return ids.every((id, at) => isReplicaId(id) && (at === 0 || (ids[at - 1] ?? 0) < id));
}

function ascending(ids: Set<ReplicaId>): ReplicaId[] {
  return [...ids].sort((a, b) => a - b);
}

function changed(conf: ConfState): ConfOutcome {
  return { kind: 'changed', conf };
}

function refused(reason: ConfRefusal): ConfOutcome {
  return { kind: 'refused', reason };
}
