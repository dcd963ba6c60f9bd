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
    default:
      return;
  }
}
