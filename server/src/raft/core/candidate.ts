import { invariant } from '../../base/index.ts';
import { countVote } from './election.ts';
import { stepFollower } from './follower.ts';
import { becomeFollower } from './roles.ts';
import type { RaftState } from './state.ts';
import type { Message } from './types.ts';

/** A message of the own term to a candidate or pre-candidate. */
export function stepCandidate(state: RaftState, message: Message): void {
  switch (message.type) {
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      // Somebody leads this term.
      invariant(message.from !== state.id, 'a candidate does not lead', { term: state.term });
      becomeFollower(state, state.term, message.from);
      stepFollower(state, message);
      return;
    case 'voteResponse':
    case 'preVoteResponse':
      countVote(state, message);
      return;
    case 'readIndex':
      stepFollower(state, message);
      return;
    case 'vote':
    case 'preVote':
    case 'appendResponse':
    case 'heartbeatResponse':
    case 'timeoutNow':
    case 'transferLeader':
    case 'readIndexResponse':
      // Requests for votes are answered for all roles alike; the others are late, or for a leader.
      return;
  }
}
