/**
 * Majorities. A decision needs a majority of the voters and, while the configuration is joint, also of the outgoing
 * voters (thesis 4.3). An empty half agrees to everything, so that a plain configuration is a joint one with nothing outgoing.
 */
import type { ReplicaId } from '../types.ts';

export interface VoterSets {
  readonly voters: readonly ReplicaId[];
  readonly votersOutgoing: readonly ReplicaId[];
}

export type VoteResult = 'won' | 'lost' | 'pending';

/** What an empty half has acknowledged: it never holds the other half back. */
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** The highest value that a quorum has reached; `valueOf` answers 0 for a voter that was not heard. */
export function quorumValue(sets: VoterSets, valueOf: (voter: ReplicaId) => number): number {
  const incoming = majorityValue(sets.voters, valueOf);
  if (sets.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityValue(sets.votersOutgoing, valueOf));
}

/** Whether a quorum said yes, or so many said no that none can; `voteOf` answers undefined for a vote still missing. */
export function quorumVotes(sets: VoterSets, voteOf: (voter: ReplicaId) => boolean | undefined): VoteResult {
  const incoming = majorityVotes(sets.voters, voteOf);
  const outgoing = majorityVotes(sets.votersOutgoing, voteOf);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}

export function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

function majorityValue(voters: readonly ReplicaId[], valueOf: (voter: ReplicaId) => number): number {
  if (voters.length === 0) return EVERYTHING;
  const values: number[] = [];
  for (const voter of voters) insertDescending(values, valueOf(voter));
  return values[majorityOf(voters.length) - 1] ?? 0;
}

/** Groups have a handful of voters: inserting beats sorting. */
function insertDescending(values: number[], value: number): void {
  let at = values.length;
  while (at > 0 && (values[at - 1] ?? 0) < value) at -= 1;
  values.splice(at, 0, value);
}

function majorityVotes(
  voters: readonly ReplicaId[],
  voteOf: (voter: ReplicaId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === undefined) missing += 1;
    else if (vote) granted += 1;
  }
  const majority = majorityOf(voters.length);
  if (granted >= majority) return 'won';
  return granted + missing >= majority ? 'pending' : 'lost';
}
