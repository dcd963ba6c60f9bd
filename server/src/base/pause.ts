import type { Clock } from './clock.ts';

/** Resolves after `ms`, early when `signal` is aborted: whoever waits looks at it then. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(signal?.aborted === true ? 0 : ms, end);
    signal?.addEventListener('abort', end);
  });
}
