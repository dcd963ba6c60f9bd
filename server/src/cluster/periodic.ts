import { asError, type Clock, type Timer } from '../base/index.ts';

export interface PeriodicOptions {
  readonly clock: Clock;
  /** From the end of one run to the start of the next. */
  readonly periodMs: number;
  readonly run: () => Promise<void> | void;
  /** A run failed; there is no further one. */
  readonly onError: (error: Error) => void;
}

/** Runs a task again and again, never twice at once; the first time at once. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#runOnce();
  }

  /** Settles when a run in progress has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #runOnce(): Promise<void> {
    const { clock, periodMs, run, onError } = this.#options;
    try {
      await run();
    } catch (error) {
      if (!this.#stopped) onError(asError(error));
      return;
    }
    if (this.#stopped) return;
    this.#timer = clock.after(periodMs, () => {
      this.#running = this.#runOnce();
    });
  }
}
