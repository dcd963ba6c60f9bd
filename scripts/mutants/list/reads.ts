import { CORE, DRIVER, inCore, inRaft } from '../places.ts';
import type { Mutant } from '../types.ts';

/** What a linearizable read waits for. */
export const READS: readonly Mutant[] = [
  {
    name: 'read-without-a-round',
    rule: 'a read waits for a round of heartbeats that a quorum answers',
    ...inCore('reads/reads.ts'),
    find: 'const confirmed = state.tracker.confirmedReadRound();',
    replace: 'const confirmed = state.readRounds.openRound;',
    killer: { file: CORE.scenarios, test: 'two-leaders-read.txt' },
  },
  {
    name: 'read-before-the-first-own-commit',
    rule: 'a leader serves reads after it has committed in its own term',
    ...inCore('reads/reads.ts'),
    find: "state.role === 'leader' && state.readRounds.hasQueued && state.hasCommittedInTerm",
    replace: "state.role === 'leader' && state.readRounds.hasQueued",
    killer: { file: CORE.scenarios, test: 'read-before-first-commit.txt' },
  },
  {
    name: 'forwarded-read-before-the-first-own-commit',
    rule: 'a question of a follower is answered after a commit of the own term',
    ...inCore('reads/reads.ts'),
    find: "state.role === 'leader' && state.hasCommittedInTerm && state.tracker",
    replace: "state.role === 'leader' && state.tracker",
    killer: { file: CORE.scenarios, test: 'read-through-follower-before-first-commit.txt' },
  },
  {
    name: 'an-earlier-round-confirms',
    rule: 'an answer to an earlier round confirms no later read',
    ...inCore('reads/read-rounds.ts'),
    find: 'if (oldest === undefined || oldest.round > round) return undefined;',
    replace: 'if (oldest === undefined || oldest.round > round + 1) return undefined;',
    killer: {
      file: CORE.reads,
      test: 'read rounds are confirmed in order, each with the reads that came before it started',
    },
  },
  {
    name: 'reads-survive-their-leader',
    rule: 'a change of leader or term fails the reads that wait',
    ...inCore('roles.ts'),
    find: '  resetElectionTimer(state);\n  forgetReads(state);\n}',
    replace: '  resetElectionTimer(state);\n}',
    killer: { file: CORE.scenarios, test: 'read-during-transfer.txt' },
  },
  {
    name: 'read-names-are-used-again',
    rule: 'an answer to a read from before a restart confirms no later one',
    ...inCore('state.ts'),
    find: 'wireOrigin: 1 + random.int(2 ** 31) * 2 ** 21,',
    replace: 'wireOrigin: 1,',
    killer: {
      file: CORE.raft,
      test: 'a replica passes reads on under names that it will not use again after a restart',
    },
  },
  {
    name: 'read-before-it-is-applied',
    rule: 'a read is served when its index is applied here',
    ...inRaft('driver/reads.ts'),
    find: 'if (index <= applied) {',
    replace: 'if (index <= applied || applied > 0) {',
    killer: {
      file: DRIVER.host,
      test: 'a read barrier on a follower waits until its replica has applied what was acknowledged before',
    },
  },
];
