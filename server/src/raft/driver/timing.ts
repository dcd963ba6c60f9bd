import { type Clock, invariant } from '../../base/index.ts';

/** Ticks that are made up for after a pause: more would let a paused node start elections before it read its sockets. */
export const TICKS_OWED_MAX = 2;

const TICK_MS_MIN = 10;
const TICKS_PER_HEARTBEAT = 5;

export interface TickPlan {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
}

/**
 * A tick is a fifth of the heartbeat interval, so that randomised election timeouts, drawn from
 * [electionTicks, 2 * electionTicks), differ by more than a few steps. Times are rounded up.
 */
export function planTicks(o: {
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}): TickPlan {
  invariant(o.electionTimeoutMs > o.heartbeatIntervalMs, 'an election timeout spans heartbeats', { ...o });
  const tickMs = Math.max(TICK_MS_MIN, Math.floor(o.heartbeatIntervalMs / TICKS_PER_HEARTBEAT));
  return {
    tickMs,
    heartbeatTicks: Math.max(1, Math.round(o.heartbeatIntervalMs / tickMs)),
    electionTicks: Math.ceil(o.electionTimeoutMs / tickMs),
  };
}

/** Counts the ticks that are due by the clock: timers come late, and not at all while the process is stopped. */
export class TickCounter {
  readonly #clock: Clock;
  readonly #tickMs: number;
  #countedMs: number;

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#countedMs = clock.nowMs();
  }

  /** Ticks due since the last call, at most `TICKS_OWED_MAX`. */
  take(): number {
    const nowMs = this.#clock.nowMs();
    const due = Math.floor((nowMs - this.#countedMs) / this.#tickMs);
    if (due > TICKS_OWED_MAX) {
      this.#countedMs = nowMs;
      return TICKS_OWED_MAX;
    }
    this.#countedMs += due * this.#tickMs;
    return due;
  }
}
