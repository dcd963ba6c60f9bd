/** What happens, in words: the output of scenarios. `3@2` is index 3 in term 2. */
import { decodeConfChange } from '../index.ts';
import type {
  ConfState,
  ConfChange,
  Entry,
  Message,
  Persist,
  ProgressStatus,
  RaftStatus,
  ReplicaId,
} from '../types.ts';

export function describeMessage(message: Message): string {
  const { from, to, type, term } = message;
  return `${String(from)}->${String(to)} ${type} term ${String(term)}${detailOf(message)}`;
}

export function describeEntry(entry: Entry): string {
  const content = entry.kind === 'confChange' ? describeChange(decodeConfChange(entry.data)) : textOf(entry);
  return `${position(entry.index, entry.term)} ${content}`;
}

export function describePersist(persist: Persist): string {
  const parts: string[] = [];
  const { hardState, snapshot, entries } = persist;
  if (hardState !== undefined) {
    const { term, vote, commit } = hardState;
    parts.push(`term ${String(term)} vote ${name(vote)} commit ${String(commit)}`);
  }
  if (snapshot !== undefined) parts.push(`snapshot ${position(snapshot.index, snapshot.term)}`);
  if (entries.length > 0) parts.push(`entries ${entries.map(describeEntry).join(', ')}`);
  if (parts.length === 0 && persist.mustSync) return 'what configuration is in force';
  if (parts.length === 0) return 'nothing, but messages wait for what is being written';
  return `${parts.join('; ')}${persist.mustSync ? '' : ' (unsynced)'}`;
}

export function describeStatus(status: RaftStatus): string {
  const { id, role, term, vote, leader, commit, applied, lastIndex, transferee } = status;
  const transfer = transferee === 0 ? '' : ` transferring to ${String(transferee)}`;
  return (
    `${String(id)} ${role} term ${String(term)} vote ${name(vote)} leader ${name(leader)} ` +
    `commit ${String(commit)} applied ${String(applied)} last ${String(lastIndex)}${transfer}`
  );
}

export function describeProgress(progress: ProgressStatus): string {
  const { replica, isLearner, match, next, state, recentActive } = progress;
  const marks = `${isLearner ? ' learner' : ''}${recentActive ? '' : ' silent'}`;
  return `${String(replica)} ${state} match ${String(match)} next ${String(next)}${marks}`;
}

export function describeConf(conf: ConfState): string {
  const parts = [`voters ${list(conf.voters)}`];
  if (conf.votersOutgoing.length > 0) parts.push(`outgoing ${list(conf.votersOutgoing)}`);
  if (conf.learners.length > 0) parts.push(`learners ${list(conf.learners)}`);
  if (conf.learnersNext.length > 0) parts.push(`next learners ${list(conf.learnersNext)}`);
  if (conf.autoLeave) parts.push('leaves by itself');
  return parts.join(', ');
}

export function position(index: number, term: number): string {
  return `${String(index)}@${String(term)}`;
}

export function name(id: ReplicaId): string {
  return id === 0 ? 'none' : String(id);
}

const SIGNS = { addVoter: '+', addLearner: '~', remove: '-' } as const;

function describeChange(change: ConfChange): string {
  if (change.steps.length === 0) return 'leave joint';
  const steps = change.steps.map((step) => `${SIGNS[step.type]}${String(step.replica)}`).join(' ');
  return change.transition === 'auto' ? `change ${steps}` : `change ${steps} ${change.transition}`;
}

function textOf(entry: Entry): string {
  return entry.data.length === 0 ? 'no-op' : `"${entry.data.toString('utf8')}"`;
}

function list(ids: readonly ReplicaId[]): string {
  return ids.length === 0 ? 'none' : ids.join(' ');
}

function detailOf(message: Message): string {
  switch (message.type) {
    case 'vote':
    case 'preVote':
      return ` last ${position(message.lastIndex, message.lastTerm)}${message.transfer ? ' by transfer' : ''}`;
    case 'voteResponse':
    case 'preVoteResponse':
      return message.reject ? ' refused' : ' granted';
    case 'append': {
      const entries = message.entries.map((entry) => ` [${describeEntry(entry)}]`).join('');
      return ` after ${position(message.prevIndex, message.prevTerm)}${entries} commit ${String(message.commit)}`;
    }
    case 'appendResponse':
      if (!message.reject) return ` matched ${String(message.index)}`;
      return ` refused ${String(message.index)} hint ${position(message.hintIndex, message.hintTerm)}`;
    case 'heartbeat':
      return ` commit ${String(message.commit)}${round(message.readRound)}`;
    case 'heartbeatResponse':
      return round(message.readRound);
    case 'snapshot':
      return ` ${position(message.snapshot.index, message.snapshot.term)} ${describeConf(message.snapshot.confState)}`;
    case 'timeoutNow':
      return '';
    case 'transferLeader':
      return ` to ${String(message.transferee)}`;
    case 'readIndex':
      return '';
    case 'readIndexResponse':
      return message.reject ? ' refused' : ` index ${String(message.index)}`;
  }
}

function round(readRound: number): string {
  return readRound === 0 ? '' : ` round ${String(readRound)}`;
}
