import { asError } from '../base/index.ts';
import { KvError, type KvErrorCode } from '../native/index.ts';

/** The store had an error before: nothing that it would say or promise now may be relied on. `cause` is that error. */
export class PoisonedError extends Error {
  override readonly name = 'PoisonedError';
  readonly code = 'KV_POISONED';

  constructor(cause: Error) {
    super(`the store failed before and accepts no more calls: ${cause.message}`, { cause });
  }
}

/** Refusals before anything was tried. Everything else that a write reports leaves its outcome open. */
const UNTRIED: readonly KvErrorCode[] = ['KV_BUSY', 'POOL_FULL', 'KV_CLOSED', 'KV_INVALID_ARGUMENT'];
/** What a read reports when the disk is broken. */
const BROKEN: readonly KvErrorCode[] = ['KV_CORRUPTION', 'KV_IO_ERROR', 'KV_NO_SPACE', 'KV_POISONED'];

/**
 * Remembers the first storage error of a handle and refuses every call after it. After a failed log append or sync the
 * kernel may have dropped the pages: trying again would report success for bytes that are not on the disk.
 */
export class Poison {
  readonly #onFailure: ((error: Error) => void) | undefined;
  #cause: Error | undefined;

  /** `onFailure` is called once, with the first error, before the failed call rejects; it must not throw. */
  constructor(onFailure?: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  get cause(): Error | undefined {
    return this.#cause;
  }

  /** Throws `PoisonedError` after an error. */
  check(): void {
    if (this.#cause !== undefined) throw new PoisonedError(this.#cause);
  }

  /** Runs a call that changes something: whatever goes wrong poisons, unless nothing was tried. */
  changing<T>(call: () => Promise<T>): Promise<T> {
    return this.#run(call, (error) => {
      return !(error instanceof KvError && error.rocksdb === undefined && UNTRIED.includes(error.code));
    });
  }

  /** Runs a call that only reads: what says that the disk is broken poisons. */
  reading<T>(call: () => Promise<T>): Promise<T> {
    return this.#run(call, (error) => error instanceof KvError && BROKEN.includes(error.code));
  }

  async #run<T>(call: () => Promise<T>, isPoison: (error: Error) => boolean): Promise<T> {
    this.check();
    try {
      return await call();
    } catch (thrown) {
      const error = asError(thrown);
      // Calls that were under way together fail together; the first error is the one to tell.
      if (this.#cause !== undefined) throw new PoisonedError(this.#cause);
      if (isPoison(error)) {
        this.#cause = error;
        this.#onFailure?.(error);
      }
      throw error;
    }
  }
}
