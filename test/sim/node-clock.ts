import { FakeClock } from '../../server/src/base/index.ts';
import type { Events } from './events.ts';

export const TICK_MS = 10;

/** The clock of a process: it is moved on by ticks, runs a little faster or slower than others, and shows parts of a tick. */
export class NodeClock extends FakeClock {
  readonly #events: Events;
  readonly #rate: number;
  #tickedMs: number;

  /** `rate`: virtual milliseconds for one of this clock. */
  constructor(events: Events, rate: number) {
    super();
    this.#events = events;
    this.#rate = rate;
    this.#tickedMs = events.nowMs;
  }

  override nowMs(): number {
    return super.nowMs() + Math.min(TICK_MS, (this.#events.nowMs - this.#tickedMs) / this.#rate);
  }

  override advance(byMs: number): void {
    this.#tickedMs = this.#events.nowMs;
    super.advance(byMs);
  }
}
