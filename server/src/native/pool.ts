import { invariant } from '../base/index.ts';
import { loadNative } from './load.ts';

export const POOL_THREADS_MAX = 1024;

/**
 * Sets how many threads the process has for searches and key look-ups: `[server] worker_threads`, 1 to
 * `POOL_THREADS_MAX`; without this call as many as the machine has cores. May be called again at any time.
 */
export function configurePool(threads: number): void {
  invariant(
    Number.isInteger(threads) && threads >= 1 && threads <= POOL_THREADS_MAX,
    'a pool has 1 to 1024 threads',
    {
      threads,
    },
  );
  (loadNative() as { configurePool(threads: number): void }).configurePool(threads);
}
