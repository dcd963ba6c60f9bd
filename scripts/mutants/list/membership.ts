import { CORE, DRIVER, inCore, inRaft } from '../places.ts';
import type { Mutant } from '../types.ts';

/** Changes of the configuration. */
export const MEMBERSHIP: readonly Mutant[] = [
  {
    name: 'skip-the-outgoing-quorum',
    rule: 'joint: the outgoing voters decide too what is committed',
    ...inCore('quorum/quorum.ts'),
    find: 'if (sets.votersOutgoing.length === 0) return incoming;',
    replace: 'if (incoming >= 0) return incoming;',
    killer: { file: CORE.scenarios, test: 'joint-replace.txt' },
  },
  {
    name: 'skip-the-outgoing-votes',
    rule: 'joint: the outgoing voters decide too who leads',
    ...inCore('quorum/quorum.ts'),
    find: 'if (incoming === outgoing) return incoming;',
    replace: "if (incoming === outgoing || incoming === 'won') return incoming;",
    killer: {
      file: CORE.quorum,
      test: 'a quorum has decided when no vote still missing can change the outcome',
    },
  },
  {
    name: 'half-is-a-majority',
    rule: 'a quorum is more than half',
    ...inCore('quorum/quorum.ts'),
    find: 'return Math.floor(voterCount / 2) + 1;',
    replace: 'return Math.ceil(voterCount / 2);',
    killer: { file: CORE.quorum, test: 'a quorum of the voters' },
  },
  {
    name: 'two-changes-at-once',
    rule: 'at most one configuration change stands in the log unapplied',
    ...inCore('proposals.ts'),
    find: 'const isSettled = state.pendingConfIndex <= state.applyQueue.applied && state.hasCommittedInTerm;',
    replace: 'const isSettled = state.hasCommittedInTerm;',
    killer: { file: CORE.scenarios, test: 'add-voter.txt' },
  },
  {
    name: 'change-before-the-first-own-commit',
    rule: 'a leader changes the configuration after it has committed in its own term',
    ...inCore('proposals.ts'),
    find: 'const isSettled = state.pendingConfIndex <= state.applyQueue.applied && state.hasCommittedInTerm;',
    replace: 'const isSettled = state.pendingConfIndex <= state.applyQueue.applied;',
    killer: { file: CORE.scenarios, test: 'change-before-first-commit.txt' },
  },
  {
    name: 'two-voters-without-joint',
    rule: 'a change of several voters goes through a joint configuration',
    ...inCore('confchange/change-conf.ts'),
    find: "const needsJoint = change.transition !== 'auto' || voterDifference(conf, draft) > 1;",
    replace: "const needsJoint = change.transition !== 'auto';",
    killer: {
      file: CORE.conf,
      test: 'a change of the configuration of two voters goes through a joint configuration that is left by itself',
    },
  },
  {
    name: 'joint-is-not-left',
    rule: 'a joint configuration is left by itself once it is in force',
    ...inCore('proposals.ts'),
    find: "if (state.role !== 'leader' || !state.tracker.conf.autoLeave ||",
    replace: "if (state.role !== 'leader' || state.tracker.conf.autoLeave ||",
    killer: { file: CORE.scenarios, test: 'joint-replace.txt' },
  },
  {
    name: 'removed-leader-stays',
    rule: 'a leader that is removed steps down',
    ...inCore('membership.ts'),
    find: 'if (!state.tracker.isVoter(state.id)) {',
    replace: 'if (state.term === 0) {',
    killer: { file: CORE.scenarios, test: 'remove-leader.txt' },
  },
  {
    name: 'transfer-to-one-that-was-removed',
    rule: 'a transfer ends when its aim is removed',
    ...inCore('membership.ts'),
    find: 'if (!state.tracker.isVoter(state.transferee)) abortTransfer(state);',
    replace: '',
    killer: { file: CORE.scenarios, test: 'transfer-removed.txt' },
  },
  {
    name: 'added-replica-takes-the-log',
    rule: 'a replica without a configuration asks for a snapshot',
    ...inCore('follower.ts'),
    find: 'if (state.tracker.members.length === 0) {',
    replace: 'if (state.tracker.members.length < 0) {',
    killer: {
      file: DRIVER.snapshots,
      test: 'snapshots start a replica that was added, which has no configuration of its own',
    },
  },
  {
    name: 'learner-counts',
    rule: 'learners do not count',
    ...inCore('tracker/tracker.ts'),
    find: 'return quorumValue(this.#conf, this.#matchOf);',
    replace:
      'return quorumValue({ voters: [...this.#conf.voters, ...this.#conf.learners], votersOutgoing: this.#conf.votersOutgoing }, this.#matchOf);',
    killer: {
      file: DRIVER.host,
      test: 'a configuration change takes effect when it is applied, is stored, and is not applied to itself after a restart',
    },
  },
  {
    name: 'log-of-another-replica',
    rule: 'a replica is not started on the log of another one',
    ...inRaft('driver/group-start.ts'),
    find: 'if (owner !== undefined && owner !== replicaId)',
    replace: 'if (owner !== undefined && owner < 0)',
    killer: {
      file: DRIVER.membership,
      test: 'a group that another replica takes over on the same node is not started on the log of another replica',
    },
  },
];
