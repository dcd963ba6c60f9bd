import { FakeClock } from './clock.ts';
import { pause } from './pause.ts';

test('a pause ends when its time is over, not before', async () => {
  const clock = new FakeClock();
  let isOver = false;
  const paused = pause(clock, 100).then(() => {
    isOver = true;
  });
  clock.advance(99);
  await Promise.resolve();
  expect(isOver).toBe(false);
  clock.advance(1);
  await paused;
});

test('a pause ends when its signal is aborted, and at once when that has happened', async () => {
  const clock = new FakeClock();
  const closing = new AbortController();
  const paused = pause(clock, 100, closing.signal);
  closing.abort();
  await paused;
  const late = pause(clock, 100, closing.signal);
  clock.advance(0);
  await late;
});
