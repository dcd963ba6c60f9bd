import type { Random } from '../../base/index.ts';

const ACCEPTED = /^[\w.:-]{1,128}$/;

/** Gives every request a name: the client's own when it sent a proper one, otherwise one that is new on this node. */
export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#prefix = random
      .int(2 ** 32)
      .toString(36)
      .padStart(7, '0');
  }

  /** `sent` is the value of `x-grape-request-id`. */
  next(sent: string | readonly string[] | undefined): string {
    if (typeof sent === 'string' && ACCEPTED.test(sent)) return sent;
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
