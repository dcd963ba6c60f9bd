/** The rule of terms, common to all roles (thesis 3.3), then the rules of the role. */
import { invariant } from '../../base/index.ts';
import { stepCandidate } from './candidate.ts';
import { answerVoteRequest, isPromisedToLeader } from './election.ts';
import { stepFollower } from './follower.ts';
import { stepLeader } from './leader.ts';
import { becomeFollower } from './roles.ts';
import { send, type RaftState } from './state.ts';
import { type Message, NO_REPLICA } from './types.ts';

/** Takes a message that reached this replica. */
export function step(state: RaftState, message: Message): void {
  invariant(message.to === state.id, 'a message reaches whom it is for', { to: message.to, id: state.id });
  if (message.term < state.term) {
    answerStale(state, message);
    return;
  }
  if (message.term > state.term && !meetLaterTerm(state, message)) return;
  if (message.type === 'vote' || message.type === 'preVote') answerVoteRequest(state, message);
  else stepRole(state, message);
}

function stepRole(state: RaftState, message: Message): void {
  switch (state.role) {
    case 'leader':
      stepLeader(state, message);
      return;
    case 'candidate':
    case 'preCandidate':
      stepCandidate(state, message);
      return;
    case 'follower':
      stepFollower(state, message);
  }
}

/** Enters the later term where there is one; false when the message is to be ignored. */
function meetLaterTerm(state: RaftState, message: Message): boolean {
  switch (message.type) {
    case 'preVote':
      // Nobody has entered that term yet.
      return !isPromisedToLeader(state, message);
    case 'preVoteResponse':
      // Granted: the own next term, entered when the vote is won.
      if (message.reject) becomeFollower(state, message.term, NO_REPLICA);
      return true;
    case 'vote':
      if (isPromisedToLeader(state, message)) return false;
      becomeFollower(state, message.term, NO_REPLICA);
      return true;
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      becomeFollower(state, message.term, message.from);
      return true;
    case 'voteResponse':
    case 'appendResponse':
    case 'heartbeatResponse':
    case 'timeoutNow':
    case 'transferLeader':
    case 'readIndex':
    case 'readIndexResponse':
      becomeFollower(state, message.term, NO_REPLICA);
      return true;
  }
}

/**
 * Tells a sender from an earlier term that it is behind. Without that, a leader cut off while the others went on could
 * neither be heard nor, because pre-votes of this replica are refused, learn that it has been replaced.
 */
function answerStale(state: RaftState, message: Message): void {
  const header = { from: state.id, to: message.from, term: state.term };
  switch (message.type) {
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      send(state, { type: 'appendResponse', ...header, index: 0, reject: true, hintIndex: 0, hintTerm: 0 });
      return;
    case 'preVote':
      send(state, { type: 'preVoteResponse', ...header, reject: true });
      return;
    case 'vote':
      send(state, { type: 'voteResponse', ...header, reject: true });
      return;
    case 'preVoteResponse':
    case 'voteResponse':
    case 'appendResponse':
    case 'heartbeatResponse':
    case 'timeoutNow':
    case 'transferLeader':
    case 'readIndex':
    case 'readIndexResponse':
      return;
  }
}
