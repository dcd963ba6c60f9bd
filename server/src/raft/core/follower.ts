/** What a follower does with the messages of its leader (thesis 3.5, figure 3.1). */
import { invariant } from '../../base/index.ts';
import { campaignForTransfer } from './election.ts';
import { restoreConf } from './membership.ts';
import { answerForwardedRead, takeForwardedRead } from './reads/reads.ts';
import { send, type RaftState } from './state.ts';
import { type Message, NO_REPLICA, type ReplicaId, type SnapshotMetadata } from './types.ts';

type Append = Extract<Message, { type: 'append' }>;

/** A message of the own term to a follower. */
export function stepFollower(state: RaftState, message: Message): void {
  switch (message.type) {
    case 'append':
      hearLeader(state, message.from);
      takeAppend(state, message);
      return;
    case 'heartbeat':
      hearLeader(state, message.from);
      state.log.commitTo(message.commit);
      answerHeartbeat(state, message.readRound);
      return;
    case 'snapshot':
      hearLeader(state, message.from);
      if (state.applyQueue.isDone) takeSnapshot(state, message.snapshot);
      // Entries below it that are being applied may change the configuration, which the snapshot must not overtake.
      else state.deferredSnapshot = message;
      return;
    case 'timeoutNow':
      campaignForTransfer(state);
      return;
    case 'readIndex':
      answerForwardedRead(state, message);
      return;
    case 'readIndexResponse':
      takeForwardedRead(state, message);
      return;
    case 'vote':
    case 'preVote':
    case 'voteResponse':
    case 'preVoteResponse':
    case 'appendResponse':
    case 'heartbeatResponse':
    case 'transferLeader':
      // Requests for votes are answered for all roles alike; the others are answers to an earlier role, or for a leader.
      return;
  }
}

function hearLeader(state: RaftState, leader: ReplicaId): void {
  const isSame = state.leader === NO_REPLICA || state.leader === leader;
  invariant(isSame, 'a term has one leader', { term: state.term, known: state.leader, heard: leader });
  state.leader = leader;
  state.electionElapsed = 0;
  state.promiseElapsed = 0;
}

function takeAppend(state: RaftState, message: Append): void {
  const { log } = state;
  const { prevIndex, prevTerm, entries } = message;
  if (prevIndex < log.committed) {
    // Out of date: what is committed agrees with every leader.
    acknowledge(state, log.committed);
    return;
  }
  if (state.tracker.members.length === 0) {
    // A replica that is being added: without the configuration it started from, changes in the log would make it believe
    // in another one, perhaps of itself alone. Refusing even the beginning of the log asks for a snapshot.
    reject(state, message);
    return;
  }
  if (!log.appendAfter({ index: prevIndex, term: prevTerm }, entries)) {
    reject(state, message);
    return;
  }
  const matched = prevIndex + entries.length;
  log.commitTo(Math.min(message.commit, matched));
  // Only what this message showed to be equal: the log may go on with entries of an earlier leader.
  acknowledge(state, matched);
}

/** The hint skips a whole term of the own log for each round trip (thesis 3.5, end). */
function reject(state: RaftState, message: Append): void {
  const { prevIndex, prevTerm } = message;
  const hint = state.log.lastPositionNotAbove(Math.min(prevIndex, state.log.lastIndex), prevTerm);
  send(state, {
    type: 'appendResponse',
    from: state.id,
    to: state.leader,
    term: state.term,
    index: prevIndex,
    reject: true,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}

function acknowledge(state: RaftState, index: number): void {
  const { id, leader, term } = state;
  const answer = { from: id, to: leader, term, index, reject: false, hintIndex: 0, hintTerm: 0 };
  send(state, { type: 'appendResponse', ...answer });
}

function answerHeartbeat(state: RaftState, readRound: number): void {
  const { id, leader, term } = state;
  send(state, { type: 'heartbeatResponse', from: id, to: leader, term, readRound });
}

/** The data is installed already; here the log and the configuration follow. */
function takeSnapshot(state: RaftState, snapshot: SnapshotMetadata): void {
  const { log } = state;
  if (snapshot.index <= log.committed) {
    acknowledge(state, log.committed);
    return;
  }
  if (log.matches(snapshot)) {
    // The log reaches this far: it tells only that this much is committed.
    log.commitTo(snapshot.index);
    acknowledge(state, log.committed);
    return;
  }
  log.restore(snapshot);
  restoreConf(state, snapshot.confState);
  acknowledge(state, log.lastIndex);
}
