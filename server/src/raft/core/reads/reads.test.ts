import { ForwardedReads } from './forwarded-reads.ts';
import { ReadRounds } from './read-rounds.ts';

describe('read rounds', () => {
  it('are confirmed in order, each with the reads that came before it started', () => {
    const rounds = new ReadRounds(10);
    rounds.enqueue({ from: 1, context: 71 });
    rounds.enqueue({ from: 2, context: 71 });
    expect(rounds.start(5)).toBe(1);
    rounds.enqueue({ from: 1, context: 72 });
    expect(rounds.takeConfirmed(0)).toBeUndefined();
    expect(rounds.start(6)).toBe(2);
    expect(rounds.openRound).toBe(2);
    expect(rounds.takeConfirmed(2)).toEqual({
      round: 1,
      index: 5,
      requests: [
        { from: 1, context: 71 },
        { from: 2, context: 71 },
      ],
    });
    expect(rounds.takeConfirmed(2)).toEqual({ round: 2, index: 6, requests: [{ from: 1, context: 72 }] });
    expect([rounds.takeConfirmed(9), rounds.openRound]).toEqual([undefined, 0]);
  });

  it('never count back, so that a late answer confirms nothing newer', () => {
    const rounds = new ReadRounds(10);
    rounds.enqueue({ from: 1, context: 71 });
    rounds.start(5);
    rounds.drain();
    rounds.enqueue({ from: 1, context: 72 });
    expect(rounds.start(6)).toBe(2);
    expect(rounds.takeConfirmed(1)).toBeUndefined();
  });

  it('take a bounded number of reads', () => {
    const rounds = new ReadRounds(1);
    expect(rounds.enqueue({ from: 1, context: 71 })).toBe(true);
    expect(rounds.enqueue({ from: 1, context: 72 })).toBe(false);
    rounds.start(5);
    expect(rounds.enqueue({ from: 1, context: 72 })).toBe(false);
    rounds.takeConfirmed(1);
    expect(rounds.enqueue({ from: 1, context: 72 })).toBe(true);
    expect(rounds.drain()).toEqual([{ from: 1, context: 72 }]);
  });
});

describe('reads passed on', () => {
  it('are known by another name on the wire, which no later replica uses again', () => {
    const reads = new ForwardedReads({ pendingMax: 2, timeoutTicks: 3, wireOrigin: 1_000 });
    expect(reads.add(71)).toBe(1_000);
    expect(reads.add(71)).toBe(1_001);
    expect(reads.isFull).toBe(true);
    expect(reads.take(999)).toBeUndefined();
    expect(reads.take(1_001)).toBe(71);
    expect(reads.take(1_001)).toBeUndefined();
  });

  it('fail after their timeout, not before', () => {
    const reads = new ForwardedReads({ pendingMax: 9, timeoutTicks: 2, wireOrigin: 1 });
    reads.add(71);
    reads.tick();
    reads.add(72);
    expect(reads.takeExpired()).toBeUndefined();
    reads.tick();
    expect([reads.takeExpired(), reads.takeExpired()]).toEqual([71, undefined]);
    expect(reads.drain()).toEqual([72]);
  });
});
