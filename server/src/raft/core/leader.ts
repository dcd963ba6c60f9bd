/** What a leader does with the answers of its followers. */
import { invariant } from '../../base/index.ts';
import { answerConfirmedReads, answerForwardedRead } from './reads/reads.ts';
import { advanceCommit, sendAppend, sendSnapshot } from './replication.ts';
import type { RaftState } from './state.ts';
import type { Progress } from './tracker/progress.ts';
import { completeTransferWhenDue, startTransfer } from './transfer.ts';
import type { Message } from './types.ts';

type AppendAnswer = Extract<Message, { type: 'appendResponse' }>;
type HeartbeatAnswer = Extract<Message, { type: 'heartbeatResponse' }>;

/** A message of the own term to a leader. */
export function stepLeader(state: RaftState, message: Message): void {
  const member = state.tracker.progress(message.from);
  // A replica that is not a member any more, or not yet.
  if (member === undefined) return;
  switch (message.type) {
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      invariant(false, 'a term has one leader', { term: state.term, id: state.id, other: message.from });
      return;
    case 'appendResponse':
      member.recentActive = true;
      if (message.reject) repair(state, member, message);
      else takeAcknowledgement(state, member, message.index);
      return;
    case 'heartbeatResponse':
      takeHeartbeatAnswer(state, member, message);
      return;
    case 'readIndex':
      answerForwardedRead(state, message);
      return;
    case 'transferLeader':
      startTransfer(state, message.transferee);
      return;
    case 'vote':
    case 'preVote':
    case 'voteResponse':
    case 'preVoteResponse':
    case 'timeoutNow':
    case 'readIndexResponse':
      // Requests for votes are answered for all roles alike; the others came for an earlier role of this replica.
      return;
  }
}

/** The logs part before the probed index: look further down, as far as both sides' terms allow. */
function repair(state: RaftState, member: Progress, answer: AppendAnswer): void {
  let hint = answer.hintIndex;
  if (answer.hintTerm > 0) hint = state.log.lastPositionNotAbove(hint, answer.hintTerm).index;
  if (!member.rejectAt(answer.index, hint)) return;
  if (member.state === 'replicate') member.becomeProbe();
  // All logs agree before their beginning: who refuses that has no configuration yet.
  if (answer.index === 0) sendSnapshot(state, member);
  else sendAppend(state, member);
}

function takeAcknowledgement(state: RaftState, member: Progress, index: number): void {
  invariant(index <= state.log.lastIndex, 'a follower acknowledges what its leader has', {
    follower: member.id,
    index,
    last: state.log.lastIndex,
  });
  const isNews = member.matchTo(index) || (member.match === index && member.state === 'probe');
  if (!isNews) return;
  resumeStream(state, member, index);
  advanceCommit(state);
  // There may be room for more, or commits that it does not know of: with whatever else comes in this turn.
  state.appendsDue = true;
  completeTransferWhenDue(state, member);
}

function resumeStream(state: RaftState, member: Progress, index: number): void {
  switch (member.state) {
    case 'probe':
      member.becomeReplicate();
      return;
    case 'snapshot':
      // From here on the log suffices, even if the snapshot under way was a later one.
      if (member.match + 1 >= state.log.firstIndex) member.becomeReplicate();
      return;
    case 'replicate':
      member.inflights.freeTo(index);
  }
}

function takeHeartbeatAnswer(state: RaftState, member: Progress, answer: HeartbeatAnswer): void {
  member.recentActive = true;
  member.isFlowPaused = false;
  // An append after every answer of a follower that lags: what was lost shows, and a full window does not stay full.
  if (member.match < state.log.lastIndex || member.state === 'probe') sendAppend(state, member);
  if (answer.readRound > member.readRound) {
    member.readRound = answer.readRound;
    answerConfirmedReads(state);
  }
}
