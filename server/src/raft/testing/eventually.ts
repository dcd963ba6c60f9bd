import { systemClock } from '../../base/index.ts';

const DEADLINE_MS = 10_000;

/** Lets the event loop go on until `condition` holds; fails after a deadline. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const untilMs = systemClock.nowMs() + DEADLINE_MS;
  while (!condition()) {
    if (systemClock.nowMs() > untilMs) throw new Error(`it never came to ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
