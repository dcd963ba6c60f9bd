import { asError, type Clock } from '../base/index.ts';

/** What `settleBy` answers when the deadline came first. */
export const LATE: unique symbol = Symbol('late');

/**
 * `promise`, or `LATE` once `clock.nowMs()` has reached `deadlineMs`. A promise that was late goes on by itself; what
 * becomes of it later is dropped.
 */
export function settleBy<T>(clock: Clock, promise: Promise<T>, deadlineMs: number): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(Math.max(0, deadlineMs - clock.nowMs()), () => resolve(LATE));
    promise.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(asError(error));
      },
    );
  });
}
