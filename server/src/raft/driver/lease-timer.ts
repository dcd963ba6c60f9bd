import type { Clock } from '../../base/index.ts';
import type { LeaseClock } from '../core/index.ts';
import { TICKS_OWED_MAX, type TickPlan } from './timing.ts';

/** A voter's tick may come early by the time since its last one, and after a pause as many as it makes up for at once. */
const TICKS_UNSURE = TICKS_OWED_MAX + 1;
/** Clocks may run so much faster or slower than each other. */
const DRIFT_SHARE = 0.9;
/** Steps of `Clock.bootMs`. */
const BOOT_STEP_MS = 10;
/** Rounds that no quorum has answered yet; older ones are given up, as if never answered. */
const STARTS_MAX = 64;

export interface Moment {
  readonly nowMs: number;
  readonly bootMs: number;
}

/** The clocks, read at most once in a turn: the time of day of everything that happens in it, never a later one. */
export class TurnClock {
  readonly #clock: Clock;
  #moment: Moment | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whatever came in before this call has come in before `moment`. */
  begin(): void {
    this.#moment = undefined;
  }

  get moment(): Moment {
    return (this.#moment ??= { nowMs: this.#clock.nowMs(), bootMs: this.#clock.bootMs() });
  }
}

/** Milliseconds that a voter surely keeps its promise to elect nobody else, by the clock of the leader. */
export function leaseMs({ electionTicks, tickMs }: TickPlan): number {
  return Math.max(0, electionTicks - TICKS_UNSURE) * tickMs * DRIFT_SHARE;
}

/**
 * Knows when the rounds of heartbeats of one group began: before they left, so before any voter could answer. A machine that
 * was suspended shows in one clock only, so the one that says more has passed counts.
 */
export class LeaseTimer implements LeaseClock {
  readonly #turn: TurnClock;
  readonly #lastsMs: number;
  /** Oldest first. */
  readonly #starts: { readonly round: number; readonly at: Moment }[] = [];

  constructor(turn: TurnClock, lastsMs: number) {
    this.#turn = turn;
    this.#lastsMs = lastsMs;
  }

  roundStarts(round: number): void {
    if (this.#starts.length === STARTS_MAX) this.#starts.shift();
    this.#starts.push({ round, at: this.#turn.moment });
  }

  isWithin(round: number): boolean {
    while (this.#starts[0] !== undefined && this.#starts[0].round < round) this.#starts.shift();
    const start = this.#starts[0];
    if (start?.round !== round) return false;
    const { nowMs, bootMs } = this.#turn.moment;
    const passedMs = Math.max(nowMs - start.at.nowMs, bootMs - start.at.bootMs + BOOT_STEP_MS);
    return passedMs < this.#lastsMs;
  }
}
