/** Time, behind a port so that tests advance it by hand. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; only differences mean something. */
  nowMs(): number;
  /** Wall-clock milliseconds since the epoch. */
  wallMs(): number;
  /** Calls `fn` once after `delayMs`. */
  after(delayMs: number, fn: () => void): Timer;
  /** Calls `fn` every `periodMs`. */
  every(periodMs: number, fn: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/* eslint-disable no-restricted-globals -- this file is the one that wraps the machine's clock and timers */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fn) {
    const handle = setTimeout(fn, delayMs);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
  every(periodMs, fn) {
    const handle = setInterval(fn, periodMs);
    return {
      cancel: () => {
        clearInterval(handle);
      },
    };
  },
};
/* eslint-enable no-restricted-globals */

interface Pending {
  atMs: number;
  readonly periodMs: number | undefined;
  readonly fn: () => void;
}

/** A clock that moves only when told. Timers fire in order of their time, equal times in order of creation. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #wallStartMs: number;
  readonly #pending = new Set<Pending>();

  constructor(wallStartMs = 1_700_000_000_000) {
    this.#wallStartMs = wallStartMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    return this.#add({ atMs: this.#nowMs + delayMs, periodMs: undefined, fn });
  }

  every(periodMs: number, fn: () => void): Timer {
    return this.#add({ atMs: this.#nowMs + periodMs, periodMs, fn });
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (let next = this.#dueBefore(untilMs); next !== undefined; next = this.#dueBefore(untilMs)) {
      this.#nowMs = next.atMs;
      if (next.periodMs === undefined) this.#pending.delete(next);
      else next.atMs += next.periodMs;
      next.fn();
    }
    this.#nowMs = untilMs;
  }

  #add(entry: Pending): Timer {
    this.#pending.add(entry);
    return {
      cancel: () => {
        this.#pending.delete(entry);
      },
    };
  }

  #dueBefore(untilMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.atMs <= untilMs && (first === undefined || entry.atMs < first.atMs)) first = entry;
    }
    return first;
  }
}
