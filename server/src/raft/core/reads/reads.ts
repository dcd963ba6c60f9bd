/** Linearizable reads without log entries (thesis 6.4), asked of the leader or through a follower. */
import { broadcastHeartbeat } from '../replication.ts';
import { send, type RaftState } from '../state.ts';
import { type Message, NO_REPLICA } from '../types.ts';
import { holdsLease } from './lease.ts';
import type { ReadRequest } from './read-rounds.ts';

type ReadIndexMessage = Extract<Message, { type: 'readIndex' }>;
type ReadIndexAnswer = Extract<Message, { type: 'readIndexResponse' }>;

/** A read of this replica's caller. */
export function readIndex(state: RaftState, context: number): void {
  if (holdsLease(state)) {
    state.readStates.push({ context, index: state.log.committed, by: 'lease' });
    return;
  }
  if (state.role === 'leader') {
    if (!state.readRounds.enqueue({ from: state.id, context })) state.readFailures.push(context);
    return;
  }
  if (state.leader === NO_REPLICA || state.forwardedReads.isFull) {
    state.readFailures.push(context);
    return;
  }
  const wireContext = state.forwardedReads.add(context);
  const { id, leader, term } = state;
  send(state, { type: 'readIndex', from: id, to: leader, term, context: wireContext });
}

/**
 * A read that a follower passed on; whoever does not lead says so, and the read fails without a timeout.
 *
 * The message itself says that its sender, after the read came in, had not left this term. Where sender and leader are a
 * quorum, as among three voters, that is all a heartbeat round could tell, and the read is answered at once.
 */
export function answerForwardedRead(state: RaftState, message: ReadIndexMessage): void {
  const { from, context } = message;
  const isConfirmed =
    holdsLease(state) ||
    (state.role === 'leader' && state.hasCommittedInTerm && state.tracker.isQuorumOf(state.id, from));
  if (isConfirmed) {
    answerRead(state, { from, context }, state.log.committed);
    return;
  }
  const isTaken = state.role === 'leader' && state.readRounds.enqueue({ from, context });
  if (!isTaken) answerRead(state, { from, context }, undefined);
}

/** The leader's answer to a read passed on; one that is not waited for any more is dropped. */
export function takeForwardedRead(state: RaftState, answer: ReadIndexAnswer): void {
  const context = state.forwardedReads.take(answer.context);
  if (context === undefined) return;
  if (answer.reject) state.readFailures.push(context);
  else state.readStates.push({ context, index: answer.index, by: 'leader' });
}

/** True when queued reads can start a round. Before the first commit of the own term the commit index may be stale. */
export function isReadRoundDue(state: RaftState): boolean {
  return state.role === 'leader' && state.readRounds.hasQueued && state.hasCommittedInTerm;
}

/** Starts one round for all reads of this turn, when messages leave: its heartbeats go out after the reads came in. */
export function startReadRound(state: RaftState): void {
  if (!isReadRoundDue(state)) return;
  const round = state.readRounds.start(state.log.committed);
  const self = state.tracker.progress(state.id);
  if (self !== undefined) self.readRound = round;
  broadcastHeartbeat(state);
  answerConfirmedReads(state);
}

/** Answers the reads whose round a quorum has confirmed. */
export function answerConfirmedReads(state: RaftState): void {
  if (state.readRounds.openRound === 0) return;
  const confirmed = state.tracker.confirmedReadRound();
  for (;;) {
    const round = state.readRounds.takeConfirmed(confirmed);
    if (round === undefined) return;
    for (const request of round.requests) answerRead(state, request, round.index);
  }
}

/** Fails the reads passed on that waited for one election timeout. */
export function expireForwardedReads(state: RaftState): void {
  state.forwardedReads.tick();
  for (;;) {
    const context = state.forwardedReads.takeExpired();
    if (context === undefined) return;
    state.readFailures.push(context);
  }
}

function answerRead(state: RaftState, request: ReadRequest, index: number | undefined): void {
  const { from, context } = request;
  if (from === state.id) {
    state.readStates.push({ context, index: index ?? 0, by: 'round' });
    return;
  }
  send(state, {
    type: 'readIndexResponse',
    from: state.id,
    to: from,
    term: state.term,
    context,
    index: index ?? 0,
    reject: index === undefined,
  });
}
