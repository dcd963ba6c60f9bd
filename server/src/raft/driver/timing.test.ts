import { FakeClock } from '../../base/index.ts';
import { planTicks, TickCounter } from './timing.ts';

describe('ticks', () => {
  test('divide a heartbeat, so that election timeouts can differ', () => {
    expect(planTicks({ electionTimeoutMs: 1000, heartbeatIntervalMs: 250 })).toEqual({
      tickMs: 50,
      heartbeatTicks: 5,
      electionTicks: 20,
    });
    expect(planTicks({ electionTimeoutMs: 15, heartbeatIntervalMs: 5 })).toEqual({
      tickMs: 10,
      heartbeatTicks: 1,
      electionTicks: 2,
    });
  });

  test('are counted by the clock, and at most two are made up for after a pause', () => {
    const clock = new FakeClock();
    const counter = new TickCounter(clock, 10);
    const counts = [9, 1, 15, 5, 1000, 9, 1].map((ms) => {
      clock.advance(ms);
      return counter.take();
    });
    expect(counts).toEqual([0, 1, 1, 1, 2, 0, 1]);
  });
});
