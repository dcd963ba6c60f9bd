import { FakeClock } from '../base/index.ts';
import { LogClock } from './index.ts';

const DAY_MS = 86_400_000;

test('stamps the wall clock while log time is not ahead of it', () => {
  const clock = new FakeClock();
  const stamps = new LogClock(clock);
  expect(stamps.stamp(0, 0)).toBe(clock.wallMs());
  clock.advance(60_000);
  expect(stamps.stamp(0, clock.wallMs() - 60_000)).toBe(clock.wallMs());
});

test('log time that is ahead of the wall clock goes on, exactly as fast as time passes', () => {
  const clock = new FakeClock();
  const stamps = new LogClock(clock);
  const start = clock.wallMs() + DAY_MS;
  let logTimeMs = start;
  for (let i = 1; i <= 1000; i++) {
    clock.advance(20);
    // The entry is applied only while the next one is on its way.
    const stamp = stamps.stamp(0, logTimeMs);
    expect(stamp).toBe(start + (i - 1) * 20);
    logTimeMs = i % 3 === 0 ? stamp : logTimeMs;
  }
});

test('follows a log time that another leader has brought further, and keeps shards apart', () => {
  const clock = new FakeClock();
  const stamps = new LogClock(clock);
  const ahead = clock.wallMs() + DAY_MS;
  stamps.stamp(0, ahead);
  clock.advance(1000);
  expect(stamps.stamp(0, ahead + 5000)).toBe(ahead + 5000);
  expect(stamps.stamp(1, 0)).toBe(clock.wallMs());
  clock.advance(1000);
  expect(stamps.stamp(0, ahead + 5000)).toBe(ahead + 6000);
});
