/** A start that found the disk full is not repeated more often than this. */
const PAUSE_MS = 1_000;

/**
 * Puts a new process of the same command in the place of the current one, under the same id. Like an abort, nothing is closed,
 * written or answered on the way: what is in memory, the stores that failed and their files are gone at once, and the ports
 * are free. `pause` makes it wait first, without doing anything else. Throws where the system offers no such call.
 */
export function beginAgain(current: NodeJS.Process, { pause }: { readonly pause: boolean }): never {
  if (current.execve === undefined) throw new Error('this system cannot replace a process');
  if (pause) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  // Never answers; every file and socket but the standard ones is closed by the kernel.
  return current.execve(
    current.execPath,
    [current.execPath, ...current.execArgv, ...current.argv.slice(1)],
    current.env,
  );
}
