/** Leadership transfer (thesis 3.10): the leader stops taking proposals, lets the next one catch up, and has it campaign. */
import { leaveJointWhenDue } from './proposals.ts';
import { sendAppend } from './replication.ts';
import { send, type RaftState } from './state.ts';
import type { Progress } from './tracker/progress.ts';
import { NO_REPLICA, type ReplicaId } from './types.ts';

/** Asked by the caller; a follower passes it on to its leader, and drops it when it knows none. */
export function transferLeader(state: RaftState, transferee: ReplicaId): void {
  if (state.role === 'leader') {
    startTransfer(state, transferee);
    return;
  }
  const { id, leader, term } = state;
  if (leader !== NO_REPLICA) send(state, { type: 'transferLeader', from: id, to: leader, term, transferee });
}

/** Leader: begins a transfer. Ignored for itself, a learner, a stranger, or someone who needs a snapshot first. */
export function startTransfer(state: RaftState, transferee: ReplicaId): void {
  const member = state.tracker.progress(transferee);
  if (transferee === state.id || transferee === state.transferee) return;
  if (member === undefined || !state.tracker.isVoter(transferee) || member.state === 'snapshot') return;
  state.transferee = transferee;
  state.transferElapsed = 0;
  if (!completeTransferWhenDue(state, member)) sendAppend(state, member);
}

/** Lets the transferee campaign as soon as it has the whole log; false when it has not, or is another. */
export function completeTransferWhenDue(state: RaftState, member: Progress): boolean {
  if (member.id !== state.transferee || member.match !== state.log.lastIndex) return false;
  state.hasCalledForCampaign = true;
  send(state, { type: 'timeoutNow', from: state.id, to: member.id, term: state.term });
  return true;
}

/** One election timeout is enough: the leader takes proposals again. */
export function tickTransfer(state: RaftState): void {
  if (state.transferee === NO_REPLICA) return;
  state.transferElapsed += 1;
  if (state.transferElapsed >= state.options.electionTicks) abortTransfer(state);
}

export function abortTransfer(state: RaftState): void {
  if (state.transferee === NO_REPLICA) return;
  state.transferee = NO_REPLICA;
  leaveJointWhenDue(state);
}
