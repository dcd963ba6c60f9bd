import { invariant } from '../../../base/index.ts';

export interface InflightLimits {
  readonly messagesMax: number;
  /** The message that crosses this bound is still sent, so that one large message can always leave. */
  readonly bytesMax: number;
}

/** The append messages under way to one follower, oldest first: a sliding window by messages and by bytes. */
export class Inflights {
  readonly #limits: InflightLimits;
  /** A ring: the last index and the bytes of each message. */
  readonly #lastIndexes: number[] = [];
  readonly #bytes: number[] = [];
  #start = 0;
  #count = 0;
  #bytesTotal = 0;

  constructor(limits: InflightLimits) {
    invariant(limits.messagesMax >= 1, 'the window admits a message', { ...limits });
    invariant(limits.bytesMax >= 1, 'the window admits a byte', { ...limits });
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get bytesTotal(): number {
    return this.#bytesTotal;
  }

  get isFull(): boolean {
    return this.#count >= this.#limits.messagesMax || this.#bytesTotal >= this.#limits.bytesMax;
  }

  /** A message whose last entry is `lastIndex` has left. */
  add(lastIndex: number, bytes: number): void {
    invariant(!this.isFull, 'a full window takes no message', {
      count: this.#count,
      bytes: this.#bytesTotal,
    });
    const slot = (this.#start + this.#count) % this.#limits.messagesMax;
    this.#lastIndexes[slot] = lastIndex;
    this.#bytes[slot] = bytes;
    this.#count += 1;
    this.#bytesTotal += bytes;
  }

  /** The follower has everything up to `index`: messages that end there or before are no longer under way. */
  freeTo(index: number): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] ?? 0) <= index) {
      this.#bytesTotal -= this.#bytes[this.#start] ?? 0;
      this.#start = (this.#start + 1) % this.#limits.messagesMax;
      this.#count -= 1;
    }
  }

  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytesTotal = 0;
  }
}
