/**
 * Reads without a round (thesis 6.4.1). A voter that hears a leader promises it, in effect, to elect nobody else for the
 * shortest election timeout (`isPromisedToLeader`). So a leader whose heartbeats of one round a quorum has answered is the
 * only one for that long after the round began, as far as clocks run at about the same rate.
 */
import type { RaftState } from '../state.ts';
import { NO_REPLICA } from '../types.ts';

/**
 * True when nobody else can lead now: this leader may answer a read at once. The promise is to this leader, so it is void
 * once another one may be elected at its own wish; and it is one of the quorum of the configuration in force.
 */
export function holdsLease(state: RaftState): boolean {
  const { leaseClock } = state.options;
  if (leaseClock === undefined || state.role !== 'leader' || !state.hasCommittedInTerm) return false;
  // A request to campaign may arrive at any time after it was sent, also when the transfer was given up long ago.
  if (state.transferee !== NO_REPLICA || state.hasCalledForCampaign) return false;
  const round = state.tracker.confirmedReadRound();
  return round > 0 && leaseClock.isWithin(round);
}

/** The number that the heartbeats of now carry; with leases every broadcast is a round of its own, whose start is noted. */
export function roundOfHeartbeats(state: RaftState): number {
  const { leaseClock } = state.options;
  if (leaseClock === undefined) return state.readRounds.openRound;
  const round = state.readRounds.begin();
  leaseClock.roundStarts(round);
  const self = state.tracker.progress(state.id);
  if (self !== undefined) self.readRound = round;
  return round;
}
