/** The changes of role (thesis 3.4, figure 3.3), and what each forgets. */
import { invariant } from '../../base/index.ts';
import { appendOwn } from './proposals.ts';
import type { RaftState } from './state.ts';
import { NO_REPLICA, type ReplicaId } from './types.ts';

export function becomeFollower(state: RaftState, term: number, leader: ReplicaId): void {
  reset(state, term);
  state.role = 'follower';
  state.leader = leader;
}

/** Asks whether an election could be won; neither term nor vote change (thesis 9.6). */
export function becomePreCandidate(state: RaftState): void {
  invariant(state.role !== 'leader', 'a leader does not campaign', { term: state.term });
  forgetReads(state);
  state.role = 'preCandidate';
  state.leader = NO_REPLICA;
  state.tracker.resetVotes();
  resetElectionTimer(state);
}

export function becomeCandidate(state: RaftState): void {
  invariant(state.role !== 'leader', 'a leader does not campaign', { term: state.term });
  reset(state, state.term + 1);
  state.role = 'candidate';
  state.vote = state.id;
}

export function becomeLeader(state: RaftState): void {
  const { log } = state;
  invariant(state.role === 'candidate', 'only a candidate is elected', { role: state.role });
  invariant(log.stableIndex === log.lastIndex, 'a leader starts from a durable log', {
    stable: log.stableIndex,
    last: log.lastIndex,
  });
  reset(state, state.term);
  state.role = 'leader';
  state.leader = state.id;
  state.hasCalledForCampaign = false;
  state.promiseElapsed = state.options.electionTicks;
  state.tracker.resetProgress(log.lastIndex + 1);
  const self = state.tracker.progress(state.id);
  invariant(self !== undefined, 'a leader is a member', { id: state.id });
  self.matchTo(log.stableIndex);
  self.becomeReplicate();
  self.recentActive = true;
  // Changes of the configuration may stand in the log unapplied: none is proposed before all of it is applied.
  state.pendingConfIndex = log.lastIndex;
  // An entry of the own term, so that everything before it can be committed and reads can be served (thesis 6.4).
  appendOwn(state, [{ index: log.lastIndex + 1, term: state.term, kind: 'normal', data: NO_DATA }]);
}

/** As if no leader had ever been heard; the term and the timer stay. A leader forgets nothing. */
export function forgetLeader(state: RaftState): void {
  if (state.role === 'leader') return;
  state.promiseElapsed = state.options.electionTicks;
  if (state.role !== 'follower') return;
  state.leader = NO_REPLICA;
  forgetReads(state);
}

/** Reads that wait belong to one leader in one term: they fail when either changes. */
function forgetReads(state: RaftState): void {
  for (const request of state.readRounds.drain()) {
    if (request.from === state.id) state.readFailures.push(request.context);
  }
  for (const context of state.forwardedReads.drain()) state.readFailures.push(context);
}

const NO_DATA = Buffer.alloc(0);

function reset(state: RaftState, term: number): void {
  invariant(Number.isSafeInteger(term) && term >= state.term, 'the term never falls', {
    from: state.term,
    to: term,
  });
  if (term !== state.term) {
    state.term = term;
    state.vote = NO_REPLICA;
  }
  state.leader = NO_REPLICA;
  state.transferee = NO_REPLICA;
  state.pendingConfIndex = 0;
  state.uncommittedBytes = 0;
  state.appendsDue = false;
  state.heartbeatElapsed = 0;
  state.tracker.resetVotes();
  resetElectionTimer(state);
  forgetReads(state);
}

function resetElectionTimer(state: RaftState): void {
  const { electionTicks } = state.options;
  state.electionElapsed = 0;
  state.electionTimeout = electionTicks + state.random.int(electionTicks);
}
