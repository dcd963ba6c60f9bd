import { FakeClock } from '../../base/index.ts';
import { LeaseTimer, leaseMs, TurnClock } from './lease-timer.ts';
import { planTicks } from './timing.ts';

function setUp(): {
  clock: FakeClock;
  turn: TurnClock;
  timer: LeaseTimer;
  isWithin: (round: number) => boolean;
} {
  const clock = new FakeClock();
  const turn = new TurnClock(clock);
  const timer = new LeaseTimer(turn, 100);
  const isWithin = (round: number): boolean => {
    turn.begin();
    return timer.isWithin(round);
  };
  return { clock, turn, timer, isWithin };
}

describe('a lease', () => {
  test('lasts nine tenths of what a voter counts at the least', () => {
    expect(leaseMs(planTicks({ electionTimeoutMs: 1000, heartbeatIntervalMs: 250 }))).toBeCloseTo(0.9 * 850);
    expect(leaseMs({ electionTicks: 2, heartbeatTicks: 1, tickMs: 10 })).toBe(0);
  });

  test('begins when its heartbeats leave, however late they are answered', () => {
    const { clock, timer, isWithin } = setUp();
    timer.roundStarts(1);
    clock.advance(50);
    expect(isWithin(1)).toBe(true);
    clock.advance(50);
    expect(isWithin(1)).toBe(false);
  });

  test('is that of the newest round that was answered, and of no other', () => {
    const { clock, turn, timer, isWithin } = setUp();
    for (let round = 1; round <= 3; round += 1) {
      turn.begin();
      timer.roundStarts(round);
      clock.advance(40);
    }
    expect([isWithin(1), isWithin(2), isWithin(3)]).toEqual([false, true, true]);
    // What was asked later is newer for good.
    expect([isWithin(2), isWithin(4)]).toEqual([false, false]);
  });

  test('ends while the machine is suspended, although no monotonic time passes', () => {
    const { clock, timer, isWithin } = setUp();
    timer.roundStarts(1);
    clock.suspend(60);
    expect(isWithin(1)).toBe(true);
    // One step of that clock may be missing.
    clock.suspend(30);
    expect(isWithin(1)).toBe(false);
  });

  test('of a round that a quorum leaves unanswered for long is given up', () => {
    const { timer, isWithin } = setUp();
    for (let round = 1; round <= 65; round += 1) timer.roundStarts(round);
    expect([isWithin(1), isWithin(2)]).toEqual([false, true]);
  });

  test('is looked at once in a turn: everything that came in before its beginning is covered', () => {
    const { clock, turn, timer } = setUp();
    timer.roundStarts(1);
    turn.begin();
    expect(timer.isWithin(1)).toBe(true);
    clock.advance(200);
    expect(timer.isWithin(1)).toBe(true);
    turn.begin();
    expect(timer.isWithin(1)).toBe(false);
  });
});
