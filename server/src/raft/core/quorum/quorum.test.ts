import fc from 'fast-check';
import type { ReplicaId } from '../types.ts';
import { majorityOf, quorumValue, quorumVotes } from './quorum.ts';

const id = fc.integer({ min: 1, max: 9 });
const voters = fc.uniqueArray(id, { maxLength: 7 });
const sets = fc
  .record({ voters, votersOutgoing: voters })
  .filter((both) => both.voters.length + both.votersOutgoing.length > 0);
const RUNS = { numRuns: 5_000 };

/** By definition: the highest value that a majority of each half has reached. */
function naiveValue(halves: readonly ReplicaId[][], valueOf: (voter: ReplicaId) => number): number {
  const isReached = (value: number): boolean =>
    halves.every(
      (half) =>
        half.length === 0 ||
        half.filter((voter) => valueOf(voter) >= value).length >= majorityOf(half.length),
    );
  for (let value = 20; ; value -= 1) if (isReached(value)) return value;
}

/** By definition: won when both halves have a majority, lost when no completion of the missing votes could win. */
function naiveVotes(
  halves: readonly ReplicaId[][],
  voteOf: (voter: ReplicaId) => boolean | undefined,
): string {
  const isWonIf = (missing: boolean): boolean =>
    halves.every(
      (half) =>
        half.length === 0 ||
        half.filter((voter) => voteOf(voter) ?? missing).length >= majorityOf(half.length),
    );
  if (isWonIf(false)) return 'won';
  return isWonIf(true) ? 'pending' : 'lost';
}

describe('a quorum', () => {
  it('has reached the highest value that a majority of both halves has reached', () => {
    const values = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(sets, values, (both, table) => {
        const valueOf = (voter: ReplicaId): number => table[voter] ?? 0;
        expect(quorumValue(both, valueOf)).toBe(naiveValue([both.voters, both.votersOutgoing], valueOf));
      }),
      RUNS,
    );
  });

  it('has decided when no vote still missing can change the outcome', () => {
    const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(sets, votes, (both, table) => {
        const voteOf = (voter: ReplicaId): boolean | undefined => table[voter];
        expect(quorumVotes(both, voteOf)).toBe(naiveVotes([both.voters, both.votersOutgoing], voteOf));
      }),
      RUNS,
    );
  });

  it.each([
    [[1], [7], 7],
    [[1, 2], [7, 3], 3],
    [[1, 2, 3], [7, 3, 5], 5],
    [[1, 2, 3, 4], [7, 3, 5, 9], 5],
    [[1, 2, 3, 4, 5], [7, 3, 5, 9, 0], 5],
  ])('of the voters %j with the values %j has reached %i', (ids, values, expected) => {
    const valueOf = (voter: ReplicaId): number => values[voter - 1] ?? 0;
    expect(quorumValue({ voters: ids, votersOutgoing: [] }, valueOf)).toBe(expected);
  });
});
