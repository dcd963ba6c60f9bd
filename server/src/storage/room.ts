import { type Clock, pause } from '../base/index.ts';

const WAIT_MS = 2;
/** About twenty seconds: a queue that takes nothing for so long is broken. */
const ATTEMPTS_MAX = 10_000;

/** What the bounded queues below the stores and indexes answer when they are full. */
const REFUSALS: readonly string[] = ['POOL_FULL', 'KV_BUSY', 'INDEX_BUSY'];

/**
 * Repeats `work` while a bounded queue below has no room for it. A refusal for lack of room means that nothing has
 * happened; where work must not be refused, such as in writing or applying the log, the queue's own work makes room.
 */
export async function untilRoom<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isRefusal(error) || attempt === ATTEMPTS_MAX) throw error;
    }
    await pause(clock, WAIT_MS);
  }
}

/** A queue was full and nothing has happened. RocksDB itself also calls some failures busy: those have happened. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const isOfRocksDb = 'rocksdb' in error && error.rocksdb !== undefined;
  return !isOfRocksDb && REFUSALS.includes(String(error.code));
}
