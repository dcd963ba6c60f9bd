import { loadNative } from './load.ts';

interface FileLockAddon {
  fileLock(path: string): object;
  fileUnlock(lock: object): void;
}

/** `LOCKED`: another holder, in this process or another one. `IO_ERROR`: the file cannot be opened. */
export class FileLockError extends Error {
  override readonly name = 'FileLockError';
  readonly code: 'LOCKED' | 'IO_ERROR';

  constructor(code: 'LOCKED' | 'IO_ERROR', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * An exclusive lock on a file (`flock`), which is made when it is missing. The kernel gives it back when the process ends,
 * however it ends, so that there are no stale locks; it is also given back when nobody refers to this object any more.
 */
export class FileLock {
  readonly #handle: object;

  private constructor(handle: object) {
    this.#handle = handle;
  }

  /** At once; throws `FileLockError`. */
  static acquire(path: string): FileLock {
    try {
      return new FileLock((loadNative() as FileLockAddon).fileLock(path));
    } catch (thrown) {
      const { code, message } = thrown as FileLockError;
      throw new FileLockError(code, message);
    }
  }

  /** May be called again. */
  release(): void {
    (loadNative() as FileLockAddon).fileUnlock(this.#handle);
  }
}
