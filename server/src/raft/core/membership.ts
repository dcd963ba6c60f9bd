/** Changes of the configuration take effect when their entry is applied (README, "Where it differs from the thesis"). */
import { invariant } from '../../base/index.ts';
import { changeConf, checkConf } from './confchange/change-conf.ts';
import { answerConfirmedReads } from './reads/reads.ts';
import { advanceCommit } from './replication.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';
import { abortTransfer } from './transfer.ts';
import { type ConfChange, type ConfState, NO_REPLICA } from './types.ts';

/** Takes a committed change into force. */
export function applyConfChange(state: RaftState, change: ConfChange): ConfState {
  const outcome = changeConf(state.tracker.conf, change);
  invariant(outcome.kind === 'changed', 'a committed change fits the configuration it was proposed for', {
    conf: state.tracker.conf,
    change: { transition: change.transition, steps: change.steps },
  });
  switchConf(state, outcome.conf);
  // A restart must not fall back to a configuration whose members may be gone by then.
  state.isConfUnwritten = true;
  return outcome.conf;
}

/** The configuration that came with a snapshot. */
export function restoreConf(state: RaftState, conf: ConfState): void {
  checkConf(conf);
  switchConf(state, conf);
}

function switchConf(state: RaftState, conf: ConfState): void {
  state.tracker.setConf(conf, Math.max(1, state.log.lastIndex));
  if (state.role !== 'leader') return;
  if (!state.tracker.isVoter(state.id)) {
    // Removed or made a learner: the others elect someone who belongs to them (thesis 4.2.2).
    becomeFollower(state, state.term, NO_REPLICA);
    return;
  }
  // The quorum may have become smaller, and new members need the log.
  advanceCommit(state);
  answerConfirmedReads(state);
  state.appendsDue = true;
  if (!state.tracker.isVoter(state.transferee)) abortTransfer(state);
}
