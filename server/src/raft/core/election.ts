/** Elections: pre-vote, vote, and the rules of granting (thesis 3.4, 3.6.1, 4.2.3, 9.6). */
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import { send, type RaftState } from './state.ts';
import { type Message, NO_REPLICA } from './types.ts';

type VoteRequest = Extract<Message, { type: 'vote' | 'preVote' }>;
type VoteAnswer = Extract<Message, { type: 'voteResponse' | 'preVoteResponse' }>;

/** The election timeout passed, or the caller asks for an election. False when this replica may not campaign now. */
export function campaign(state: RaftState): boolean {
  if (!mayCampaign(state)) return false;
  if (state.options.preVote) askPreVotes(state);
  else askVotes(state, false);
  return true;
}

/** The leader wants this replica to lead: no pre-vote, and voters ignore that they hear a leader. */
export function campaignForTransfer(state: RaftState): void {
  if (mayCampaign(state)) askVotes(state, true);
}

/**
 * Answers a request of this term, or a pre-vote of a later one. Learners vote too: one that asks may know of a
 * configuration, committed already, in which this replica is a voter.
 */
export function answerVoteRequest(state: RaftState, request: VoteRequest): void {
  const isFree = state.vote === NO_REPLICA && state.leader === NO_REPLICA;
  const mayVote =
    state.vote === request.from || isFree || (request.type === 'preVote' && request.term > state.term);
  const isPromised = state.role !== 'leader' && isPromisedToLeader(state, request);
  const grant =
    mayVote && !isPromised && state.log.isUpToDate({ index: request.lastIndex, term: request.lastTerm });
  if (grant && request.type === 'vote') {
    // Goes to the disk before the answer leaves: after a restart a second vote in this term could elect two leaders.
    state.vote = request.from;
    state.electionElapsed = 0;
  }
  send(state, {
    type: request.type === 'vote' ? 'voteResponse' : 'preVoteResponse',
    from: state.id,
    to: request.from,
    // A granted pre-vote names the term it is for; a refusal tells the own term, so that a stale candidate learns it.
    term: grant ? request.term : state.term,
    reject: !grant,
  });
}

/**
 * True when nobody is to be elected: a leader was heard within the shortest election timeout, so whoever asks was cut off or
 * removed (thesis 4.2.3), and that leader may serve reads by its lease. The promise outlives what this replica learns
 * meanwhile, and a restart. A transfer is wanted by that leader itself.
 */
export function isPromisedToLeader(state: RaftState, request: VoteRequest): boolean {
  if (!state.options.checkQuorum || request.transfer) return false;
  return state.role === 'leader' || state.promiseElapsed < state.options.electionTicks;
}

/** An answer to the own campaign. */
export function countVote(state: RaftState, answer: VoteAnswer): void {
  const isPreVote = answer.type === 'preVoteResponse';
  if (state.role !== (isPreVote ? 'preCandidate' : 'candidate')) return;
  const isOfThisCampaign = !isPreVote || answer.reject || answer.term === state.term + 1;
  if (!isOfThisCampaign) return;
  state.tracker.recordVote(answer.from, !answer.reject);
  const result = state.tracker.voteResult();
  if (result === 'lost') becomeFollower(state, state.term, NO_REPLICA);
  if (result !== 'won') return;
  if (isPreVote) askVotes(state, false);
  else becomeLeader(state);
}

function mayCampaign(state: RaftState): boolean {
  return state.role !== 'leader' && state.isPromotable && !hasUnappliedConfChange(state);
}

/**
 * A committed change that is not applied yet decides who votes; campaigning before could gather a majority of a
 * configuration that has been replaced twice. Entries that are not in memory are taken for changes until they are applied.
 */
function hasUnappliedConfChange(state: RaftState): boolean {
  const { log } = state;
  let from = state.applyQueue.applied + 1;
  while (from <= log.committed) {
    const bytesMax = state.options.committedBytesMax;
    const result = log.entries({ from, to: log.committed + 1, bytesMax, replica: state.id });
    if (result.kind !== 'ok' || result.entries.some((entry) => entry.kind === 'confChange')) return true;
    from += result.entries.length;
  }
  return false;
}

function askPreVotes(state: RaftState): void {
  becomePreCandidate(state);
  // The term that it would campaign in.
  sendVoteRequests(state, { type: 'preVote', term: state.term + 1, transfer: false });
  send(state, { type: 'preVoteResponse', from: state.id, to: state.id, term: state.term + 1, reject: false });
}

function askVotes(state: RaftState, transfer: boolean): void {
  becomeCandidate(state);
  sendVoteRequests(state, { type: 'vote', term: state.term, transfer });
  // The own vote counts when it is on disk, like any other.
  send(state, { type: 'voteResponse', from: state.id, to: state.id, term: state.term, reject: false });
}

function sendVoteRequests(state: RaftState, request: Pick<VoteRequest, 'type' | 'term' | 'transfer'>): void {
  const { lastIndex, lastTerm } = state.log;
  for (const member of state.tracker.members) {
    if (member.id === state.id || member.isLearner) continue;
    send(state, { ...request, from: state.id, to: member.id, lastIndex, lastTerm });
  }
}
