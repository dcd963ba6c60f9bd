import { invariant } from '../../base/index.ts';
import { changeConf } from './confchange/change-conf.ts';
import { encodeConfChange } from './confchange/codec.ts';
import type { RaftState } from './state.ts';
import {
  type ConfChange,
  type ConfChangeResult,
  type Entry,
  NO_REPLICA,
  type ProposeResult,
} from './types.ts';

/** Leader: appends entries of its own. It counts itself only when they are durable. */
export function appendOwn(state: RaftState, entries: readonly Entry[]): void {
  state.log.append(entries);
  state.appendsDue = true;
}

/** Takes commands into the log, all or none of them. */
export function propose(state: RaftState, data: readonly Buffer[]): ProposeResult {
  invariant(data.length > 0, 'a proposal has a command');
  const refusal = refusalOf(state);
  if (refusal !== undefined) return refusal;
  let bytes = 0;
  for (const command of data) {
    invariant(command.length > 0, 'a command is not empty: that marks the no-op');
    bytes += command.length;
  }
  if (!reserve(state, bytes)) return FULL;
  const firstIndex = state.log.lastIndex + 1;
  const term = state.term;
  appendOwn(
    state,
    data.map((command, at) => ({ index: firstIndex + at, term, kind: 'normal', data: command })),
  );
  return { kind: 'accepted', firstIndex, term };
}

/** Takes a configuration change into the log: one at a time, and only one that can be applied. */
export function proposeConfChange(state: RaftState, change: ConfChange): ConfChangeResult {
  const refusal = refusalOf(state);
  if (refusal !== undefined) return refusal;
  const isSettled = state.pendingConfIndex <= state.applyQueue.applied && state.hasCommittedInTerm;
  if (!isSettled) return { kind: 'refused', reason: 'pending' };
  // No other change can come between: what is valid now is valid when it is applied.
  const outcome = changeConf(state.tracker.conf, change);
  if (outcome.kind === 'refused') return outcome;
  const data = encodeConfChange(change);
  if (!reserve(state, data.length)) return FULL;
  return { kind: 'accepted', firstIndex: appendConfChange(state, data), term: state.term };
}

/** Leader: leaves a joint configuration that was meant to be left by itself, once it is in force. */
export function leaveJointWhenDue(state: RaftState): void {
  if (state.role !== 'leader' || !state.tracker.conf.autoLeave || state.transferee !== NO_REPLICA) return;
  if (state.applyQueue.applied < state.pendingConfIndex) return;
  // Not counted as uncommitted bytes: a full log must not keep the group in a joint configuration.
  appendConfChange(state, encodeConfChange({ transition: 'auto', steps: [], context: Buffer.alloc(0) }));
}

/** Committed entries leave the leader's memory for the state machine: room for further proposals. */
export function releaseCommitted(state: RaftState, committed: readonly Entry[]): void {
  if (state.role !== 'leader') return;
  for (const entry of committed) {
    if (entry.term === state.term) state.uncommittedBytes -= entry.data.length;
  }
  state.uncommittedBytes = Math.max(0, state.uncommittedBytes);
}

const FULL: ProposeResult = { kind: 'full' };
const TRANSFERRING: ProposeResult = { kind: 'transferring' };

function refusalOf(state: RaftState): ProposeResult | undefined {
  if (state.role !== 'leader') return { kind: 'notLeader', leader: state.leader };
  return state.transferee === NO_REPLICA ? undefined : TRANSFERRING;
}

/** One proposal above the limit is still taken when nothing else is uncommitted, or it could never be. */
function reserve(state: RaftState, bytes: number): boolean {
  const total = state.uncommittedBytes + bytes;
  if (state.uncommittedBytes > 0 && total > state.options.uncommittedBytesMax) return false;
  state.uncommittedBytes = total;
  return true;
}

function appendConfChange(state: RaftState, data: Buffer): number {
  const index = state.log.lastIndex + 1;
  state.pendingConfIndex = index;
  appendOwn(state, [{ index, term: state.term, kind: 'confChange', data }]);
  return index;
}
