import { type Clock, GrapeError } from '../base/index.ts';

const WAIT_MS = 2;
/** About twenty seconds: a queue that takes nothing for so long is broken. */
const ATTEMPTS_MAX = 10_000;

/**
 * Repeats `work` while a bounded queue below has no room for it. A refusal for lack of room means that nothing has
 * happened; where work must not be refused, such as in applying the log, the queue's own work makes room.
 */
export async function untilRoom<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isRefusal(error) || attempt === ATTEMPTS_MAX) throw error;
    }
    await new Promise<void>((resolve) => void clock.after(WAIT_MS, resolve));
  }
}

/** Turns a refusal for lack of room into TOO_MANY_REQUESTS, for work that a client may repeat. */
export async function orRefused<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new GrapeError('TOO_MANY_REQUESTS', 'the queue of this node is full');
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'POOL_FULL' || error.code === 'KV_BUSY' || error.code === 'INDEX_BUSY';
}
