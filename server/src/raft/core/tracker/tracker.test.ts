import { Tracker } from './tracker.ts';

const LIMITS = { messagesMax: 2, bytesMax: 1_000 };

function conf(voters: number[], learners: number[] = [], votersOutgoing: number[] = []) {
  return { voters, votersOutgoing, learners, learnersNext: [], autoLeave: false };
}

describe('the tracker', () => {
  it('keeps the progress of members that stay, in ascending order', () => {
    const tracker = new Tracker(conf([3, 1]), 5, LIMITS);
    tracker.progress(1)?.matchTo(4);
    tracker.setConf(conf([1, 2], [10]), 9);
    expect(tracker.members.map((member) => [member.id, member.match, member.next, member.isLearner])).toEqual(
      [
        [1, 4, 5, false],
        [2, 0, 9, false],
        [10, 0, 9, true],
      ],
    );
    expect(tracker.progress(3)).toBeUndefined();
  });

  it('does not count learners', () => {
    const tracker = new Tracker(conf([1, 2, 3], [4, 5]), 5, LIMITS);
    for (const id of [1, 4, 5]) tracker.progress(id)?.matchTo(7);
    expect(tracker.committedIndex()).toBe(0);
    tracker.progress(2)?.matchTo(6);
    expect(tracker.committedIndex()).toBe(6);
  });

  it('needs both halves of a joint configuration', () => {
    const tracker = new Tracker(conf([1, 4, 5], [], [1, 2, 3]), 5, LIMITS);
    for (const id of [1, 4, 5]) tracker.progress(id)?.matchTo(7);
    expect(tracker.committedIndex()).toBe(0);
    tracker.recordVote(4, true);
    tracker.recordVote(5, true);
    expect(tracker.voteResult()).toBe('pending');
    tracker.recordVote(2, true);
    tracker.recordVote(2, false);
    tracker.recordVote(3, true);
    expect(tracker.voteResult()).toBe('won');
  });

  it('lets a new member count as active until the next check', () => {
    const tracker = new Tracker(conf([1]), 5, LIMITS);
    tracker.resetProgress(5);
    expect(tracker.isQuorumActive()).toBe(false);
    tracker.setConf(conf([1, 2, 3]), 5);
    expect(tracker.isQuorumActive()).toBe(true);
  });
});
