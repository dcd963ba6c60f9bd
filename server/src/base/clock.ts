import { uptime } from 'node:os';

/** Time, behind a port so that tests advance it by hand. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; only differences mean something. */
  nowMs(): number;
  /** Monotonic milliseconds in steps of 10, counting also the time that the machine was suspended. */
  bootMs(): number;
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
  bootMs: () => uptime() * 1000,
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
  #suspendedMs = 0;
  readonly #wallStartMs: number;
  readonly #pending = new Set<Pending>();

  constructor(wallStartMs = 1_700_000_000_000) {
    this.#wallStartMs = wallStartMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  bootMs(): number {
    return Math.floor((this.nowMs() + this.#suspendedMs) / 10) * 10;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs + this.#suspendedMs;
  }

  /** The machine sleeps: no timer runs and no monotonic time passes. */
  suspend(forMs: number): void {
    this.#suspendedMs += forMs;
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
