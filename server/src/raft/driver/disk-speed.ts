import type { Clock } from '../../base/index.ts';

/** So many synced batches in a row above the limit: one slow one happens to every disk. */
const SLOW_BATCHES = 3;
/** A disk that was slow stays so until it was quick for so long. */
const QUIET_MS = 30_000;

/** Notices a disk on which a synced write takes so long that a leader on it keeps its followers waiting. */
export class DiskSpeed {
  readonly #clock: Clock;
  readonly #limitMs: number;
  #slowInRow = 0;
  #slowUntilMs = -Infinity;
  #sinceMs: number | undefined;

  /** `limitMs`: half an election timeout. */
  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** A write that hangs is slow before it ends. */
  get isSlow(): boolean {
    const nowMs = this.#clock.nowMs();
    if (this.#sinceMs !== undefined && nowMs - this.#sinceMs > SLOW_BATCHES * this.#limitMs) this.#setSlow();
    return nowMs < this.#slowUntilMs;
  }

  /** A synced batch goes to the disk. */
  began(): void {
    this.#sinceMs = this.#clock.nowMs();
  }

  ended(): void {
    const tookMs = this.#clock.nowMs() - (this.#sinceMs ?? this.#clock.nowMs());
    this.#sinceMs = undefined;
    this.#slowInRow = tookMs > this.#limitMs ? this.#slowInRow + 1 : 0;
    if (this.#slowInRow >= SLOW_BATCHES) this.#setSlow();
  }

  #setSlow(): void {
    this.#slowUntilMs = this.#clock.nowMs() + QUIET_MS;
  }
}
