import { campaign } from './election.ts';
import { expireForwardedReads } from './reads/reads.ts';
import { broadcastHeartbeat } from './replication.ts';
import { becomeFollower, forgetLeader } from './roles.ts';
import type { RaftState } from './state.ts';
import { tickTransfer } from './transfer.ts';
import { NO_REPLICA } from './types.ts';

/** One unit of time passes. */
export function tick(state: RaftState): void {
  if (state.role === 'leader') tickLeader(state);
  else tickFollower(state);
}

function tickFollower(state: RaftState): void {
  expireForwardedReads(state);
  state.promiseElapsed += 1;
  state.electionElapsed += 1;
  if (state.electionElapsed < state.electionTimeout || !state.isPromotable) return;
  state.electionElapsed = 0;
  // Who may not campaign must not keep others from it by counting on a leader that it has not heard for so long.
  if (!campaign(state)) forgetLeader(state);
}

function tickLeader(state: RaftState): void {
  tickTransfer(state);
  state.electionElapsed += 1;
  if (state.electionElapsed >= state.options.electionTicks) {
    state.electionElapsed = 0;
    if (state.options.checkQuorum && !checkQuorum(state)) return;
  }
  state.heartbeatElapsed += 1;
  if (state.heartbeatElapsed < state.options.heartbeatTicks) return;
  state.heartbeatElapsed = 0;
  broadcastHeartbeat(state);
}

/** A leader that a quorum does not answer steps down: its clients go elsewhere, and voters may elect (thesis 6.2). */
function checkQuorum(state: RaftState): boolean {
  const { members } = state.tracker;
  const isActive = state.tracker.isQuorumActive();
  for (const member of members) member.recentActive = member.id === state.id;
  if (!isActive) becomeFollower(state, state.term, NO_REPLICA);
  return isActive;
}
