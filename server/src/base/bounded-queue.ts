/**
 * A first-in, first-out queue with a named maximum, by items and by weight (bytes).
 * `push` answers false instead of growing: the caller turns that into back-pressure.
 */
export class BoundedQueue<T> {
  readonly #itemsMax: number;
  readonly #weightMax: number;
  readonly #weigh: (item: T) => number;
  #items: T[] = [];
  #head = 0;
  #weight = 0;

  constructor(limits: { itemsMax: number; weightMax?: number; weigh?: (item: T) => number }) {
    this.#itemsMax = limits.itemsMax;
    this.#weightMax = limits.weightMax ?? Infinity;
    this.#weigh = limits.weigh ?? (() => 0);
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  get weight(): number {
    return this.#weight;
  }

  /** False, and no change, when the item does not fit. */
  push(item: T): boolean {
    const weight = this.#weigh(item);
    if (this.length >= this.#itemsMax || this.#weight + weight > this.#weightMax) return false;
    this.#items.push(item);
    this.#weight += weight;
    return true;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined as T;
    this.#head += 1;
    this.#weight -= this.#weigh(item);
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Everything, oldest first; the queue is empty afterwards. */
  drain(): T[] {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    this.#weight = 0;
    return items;
  }
}
