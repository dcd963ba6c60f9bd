import type { Clock } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';

const REPEAT_MS_MIN = 30_000;
const REMEMBERED_MAX = 1024;

/** Warns about connections that fail: at once when something is new, every half minute while it goes on. */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #loggedMs = new Map<string, number>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `who`, what happened and the reason tell what is new. */
  warn(
    message: string,
    o: { readonly who: string; readonly reason: string; readonly fields: Record<string, unknown> },
  ): void {
    const key = `${o.who}\n${message}\n${o.reason}`;
    const nowMs = this.#clock.nowMs();
    const lastMs = this.#loggedMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < REPEAT_MS_MIN) return;
    if (this.#loggedMs.size >= REMEMBERED_MAX) this.#loggedMs.clear();
    this.#loggedMs.set(key, nowMs);
    this.#logger.warn(message, { ...o.fields, reason: o.reason });
  }

  /** It works again: the next failure is new. */
  forget(who: string): void {
    for (const key of this.#loggedMs.keys()) if (key.startsWith(`${who}\n`)) this.#loggedMs.delete(key);
  }
}
