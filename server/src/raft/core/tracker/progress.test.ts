import { Progress } from './progress.ts';

const LIMITS = { messagesMax: 2, bytesMax: 1_000 };

function progress(): Progress {
  return new Progress({ id: 2, next: 10, isLearner: false, limits: LIMITS });
}

function replicating(match: number): Progress {
  const member = progress();
  member.matchTo(match);
  member.becomeReplicate();
  return member;
}

describe('the progress of a follower', () => {
  it('that is probed waits after one message with entries', () => {
    const member = progress();
    member.appendSent(0, 0);
    expect(member.isPaused).toBe(false);
    member.appendSent(3, 30);
    expect([member.isPaused, member.next]).toEqual([true, 10]);
  });

  it('moves next ahead of the acknowledgement while it is streamed to, until the window is full', () => {
    const member = replicating(9);
    member.appendSent(2, 20);
    expect([member.next, member.isPaused]).toEqual([12, false]);
    member.appendSent(1, 10);
    expect([member.next, member.isPaused]).toEqual([13, true]);
    member.matchTo(11);
    member.inflights.freeTo(11);
    expect([member.match, member.next, member.isPaused]).toEqual([11, 13, false]);
  });

  it('never takes match back', () => {
    const member = replicating(9);
    expect(member.matchTo(8)).toBe(false);
    expect(member.matchTo(9)).toBe(false);
    expect([member.match, member.next]).toEqual([9, 10]);
  });

  it.each([
    ['stale: below what matched', 5, false, 12],
    ['fresh', 11, true, 10],
  ])('takes a rejection of the stream that is %s', (_what, rejected, isTaken, next) => {
    const member = replicating(9);
    member.appendSent(2, 2);
    expect(member.rejectAt(rejected, 3)).toBe(isTaken);
    expect(member.next).toBe(next);
  });

  it.each([
    ['of another probe', { rejected: 7, hint: 3 }, 10],
    ['of this probe, with a hint', { rejected: 9, hint: 3 }, 4],
    ['of this probe, with a hint beyond it', { rejected: 9, hint: 20 }, 9],
    ['of this probe, with no hint', { rejected: 9, hint: 0 }, 1],
  ])('takes a rejection of a probe that is %s', (_what, { rejected, hint }, next) => {
    const member = progress();
    member.appendSent(1, 1);
    const isTaken = rejected === 9;
    expect(member.rejectAt(rejected, hint)).toBe(isTaken);
    expect([member.next, member.isPaused]).toEqual([next, !isTaken]);
  });

  it('is probed behind the snapshot once that is reported to have arrived', () => {
    const member = progress();
    member.becomeSnapshot(20);
    expect([member.next, member.isPaused]).toEqual([21, true]);
    member.becomeProbe();
    expect([member.state, member.next]).toEqual(['probe', 21]);
  });

  it('is probed behind the match when the snapshot failed', () => {
    const member = progress();
    member.matchTo(4);
    member.becomeSnapshot(20);
    member.pendingSnapshot = 0;
    member.becomeProbe();
    expect(member.next).toBe(5);
  });

  it('is told of a commit once, and again after going back', () => {
    const member = replicating(9);
    expect(member.wantsCommit(9)).toBe(true);
    member.commitSent(9);
    expect(member.wantsCommit(9)).toBe(false);
    member.appendSent(2, 2);
    member.commitSent(11);
    member.becomeProbe();
    expect(member.wantsCommit(11)).toBe(false);
    member.matchTo(11);
    expect(member.wantsCommit(11)).toBe(true);
  });

  it('waits while its entries are being loaded', () => {
    const member = replicating(9);
    member.isLoading = true;
    expect(member.isPaused).toBe(true);
    member.becomeProbe();
    expect(member.isPaused).toBe(false);
  });
});
