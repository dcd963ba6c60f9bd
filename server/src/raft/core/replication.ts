/** The leader's side of replication: what to send to whom, and what a quorum has (thesis 3.5, 3.6, 10.2.1). */
import { bytesOf } from './log/entry-bytes.ts';
import { roundOfHeartbeats } from './reads/lease.ts';
import { send, type RaftState } from './state.ts';
import type { Progress } from './tracker/progress.ts';

/**
 * Sends what the followers lack. Called when messages leave, not when entries come: everything of one turn, entries and
 * commit index, rides in one message.
 */
export function sendDueAppends(state: RaftState): void {
  if (!state.appendsDue) return;
  state.appendsDue = false;
  for (const member of state.tracker.members) {
    if (member.id === state.id) continue;
    streamAppends(state, member);
    if (member.wantsCommit(state.log.committed)) sendAppend(state, member);
  }
}

/** Sends entries to one follower until it has them all or its flow pauses. */
export function streamAppends(state: RaftState, member: Progress): void {
  while (member.next <= state.log.lastIndex && trySendAppend(state, member, false));
}

/** Sends one append, an empty one if need be, unless the flow is paused. */
export function sendAppend(state: RaftState, member: Progress): void {
  trySendAppend(state, member, true);
}

/**
 * What the log does not have any more. Only for a follower that answers: a snapshot is costly. False without one, or with
 * one that does not reach the log; the next heartbeat answer tries again.
 */
export function sendSnapshot(state: RaftState, member: Progress): boolean {
  const snapshot = state.log.storage.snapshot();
  const isUseful = snapshot.index > member.match && snapshot.index >= state.log.firstIndex - 1;
  if (!member.recentActive || !isUseful) return false;
  member.becomeSnapshot(snapshot.index);
  send(state, { type: 'snapshot', from: state.id, to: member.id, term: state.term, snapshot });
  return true;
}

/** Heartbeats never tell a follower of a commit beyond what it is known to hold. */
export function broadcastHeartbeat(state: RaftState): void {
  const readRound = roundOfHeartbeats(state);
  for (const member of state.tracker.members) {
    if (member.id === state.id) continue;
    const commit = Math.min(member.match, state.log.committed);
    member.commitSent(commit);
    send(state, { type: 'heartbeat', from: state.id, to: member.id, term: state.term, commit, readRound });
  }
}

/**
 * Moves the commit index to what a quorum has on disk. Only an entry of the own term is committed by counting; with it
 * goes everything before (thesis 3.6.2, figure 3.7).
 */
export function advanceCommit(state: RaftState): boolean {
  const index = state.tracker.committedIndex();
  if (index <= state.log.committed || state.log.term(index) !== state.term) return false;
  state.log.commitTo(index);
  state.appendsDue = true;
  return true;
}

/** The own log is durable up to here: the leader counts itself. */
export function acknowledgeOwnLog(state: RaftState): void {
  const self = state.tracker.progress(state.id);
  if (self?.matchTo(state.log.stableIndex) === true) advanceCommit(state);
}

function trySendAppend(state: RaftState, member: Progress, mayBeEmpty: boolean): boolean {
  if (member.isPaused) return false;
  const { log } = state;
  const prevIndex = member.next - 1;
  const prevTerm = log.term(prevIndex);
  if (prevTerm === undefined) return sendSnapshot(state, member);
  // A full window leaves room for an empty append alone: its answer revives the stream when everything else was lost.
  const isWindowFull = member.state === 'replicate' && member.inflights.isFull;
  const to = isWindowFull
    ? member.next
    : Math.min(log.lastIndex + 1, member.next + state.options.messageEntriesMax);
  if (to === member.next && !mayBeEmpty) return false;
  const result =
    to === member.next
      ? NO_ENTRIES
      : log.entries({ from: member.next, to, bytesMax: state.options.messageBytesMax, replica: member.id });
  if (result.kind === 'compacted') return sendSnapshot(state, member);
  if (result.kind === 'unavailable') {
    member.isLoading = true;
    return false;
  }
  const { entries } = result;
  const commit = log.committed;
  send(state, {
    type: 'append',
    from: state.id,
    to: member.id,
    term: state.term,
    prevIndex,
    prevTerm,
    entries,
    commit,
  });
  member.appendSent(entries.length, bytesOf(entries));
  member.commitSent(commit);
  return true;
}

const NO_ENTRIES = { kind: 'ok', entries: [] } as const;
