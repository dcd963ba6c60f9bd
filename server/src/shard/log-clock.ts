import type { Clock } from '../base/index.ts';

interface Seen {
  readonly logTimeMs: number;
  /** `Clock.nowMs` of that moment. */
  readonly atMs: number;
}

/**
 * What leaders stamp on entries: the wall clock, but never less than the shard's log time with the time that has passed
 * here since. Log time never goes back, so one leader whose clock was far ahead, say the shard's first, would otherwise
 * stop it, and with it the eviction of old names, until every clock has caught up.
 */
export class LogClock {
  readonly #clock: Clock;
  readonly #seen = new Map<number, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `logTimeMs` is the shard's, as applied here; it may lag behind what is under way, never run ahead of it. */
  stamp(shard: number, logTimeMs: number): number {
    const nowMs = this.#clock.nowMs();
    const seen = this.#seen.get(shard);
    // Kept while it explains the log time: starting anew at each entry would lose the time that entry was under way.
    const base =
      seen !== undefined && seen.logTimeMs + nowMs - seen.atMs >= logTimeMs
        ? seen
        : { logTimeMs, atMs: nowMs };
    this.#seen.set(shard, base);
    return Math.max(this.#clock.wallMs(), base.logTimeMs + nowMs - base.atMs);
  }
}
