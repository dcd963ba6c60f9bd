import { type Abandonment, GrapeError, present } from '../../base/index.ts';
import type { ReadConfirmation, ReadState } from '../core/index.ts';

/** Reads of one group that wait at the same time. */
const GROUP_READS_MAX = 65_536;
/** Rounds of one group under way: further reads wait for one of them and then share the next. */
const READ_ROUNDS_MAX = 4;

interface Waiter {
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
  settled: boolean;
}

export interface GroupReadsOptions {
  readonly onConfirmed?: (reads: { readonly count: number; readonly by: ReadConfirmation }) => void;
}

/**
 * The read barriers of one group. All reads of a turn share one ReadIndex round of the core; when it is confirmed they
 * wait until the local replica has applied up to its index.
 */
export class GroupReads {
  #waiting: Waiter[] = [];
  readonly #rounds = new Map<number, Waiter[]>();
  /** Confirmed, not yet applied here; ascending by index. */
  #confirmed: { readonly index: number; readonly waiters: Waiter[] }[] = [];
  #count = 0;
  #nextContext = 1;
  readonly #onConfirmed: GroupReadsOptions['onConfirmed'];

  constructor(o: GroupReadsOptions = {}) {
    this.#onConfirmed = o.onConfirmed;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(abandonment: Abandonment | undefined): Promise<number> {
    if (abandonment?.isAbandoned === true) return Promise.reject(abandoned());
    if (this.#count >= GROUP_READS_MAX) {
      return Promise.reject(new GrapeError('TOO_MANY_REQUESTS', 'too many reads are waiting for the leader'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const waiter: Waiter = { resolve, reject, settled: false };
    this.#waiting.push(waiter);
    this.#count += 1;
    abandonment?.onAbandoned(() => this.#fail(waiter, abandoned()));
    return promise;
  }

  /** Context of the round that all waiting reads now share; undefined when none waits or enough are under way. */
  startRound(): number | undefined {
    this.#waiting = this.#waiting.filter((waiter) => !waiter.settled);
    if (this.#waiting.length === 0 || this.#rounds.size >= READ_ROUNDS_MAX) return undefined;
    const context = this.#nextContext;
    this.#nextContext += 1;
    this.#rounds.set(context, this.#waiting);
    this.#waiting = [];
    return context;
  }

  confirmed({ context, index, by }: ReadState, applied: number): void {
    const waiters = this.#rounds.get(context);
    if (waiters === undefined) return;
    this.#rounds.delete(context);
    this.#onConfirmed?.({ count: waiters.length, by });
    if (index <= applied) {
      for (const waiter of waiters) this.#answer(waiter, index);
      return;
    }
    const at = this.#confirmed.findIndex((other) => other.index > index);
    this.#confirmed.splice(at === -1 ? this.#confirmed.length : at, 0, { index, waiters });
  }

  failed(context: number): void {
    const waiters = this.#rounds.get(context) ?? [];
    this.#rounds.delete(context);
    for (const waiter of waiters) this.#fail(waiter, unconfirmed());
  }

  applied(applied: number): void {
    while (this.#confirmed.length > 0 && present(this.#confirmed[0], 'a confirmed read').index <= applied) {
      const { index, waiters } = present(this.#confirmed.shift(), 'a confirmed read');
      for (const waiter of waiters) this.#answer(waiter, index);
    }
  }

  close(): void {
    const all = [
      this.#waiting,
      ...this.#rounds.values(),
      ...this.#confirmed.map((read) => read.waiters),
    ].flat();
    this.#waiting = [];
    this.#rounds.clear();
    this.#confirmed = [];
    for (const waiter of all) this.#fail(waiter, unconfirmed());
  }

  #answer(waiter: Waiter, index: number): void {
    if (this.#settle(waiter)) waiter.resolve(index);
  }

  #fail(waiter: Waiter, error: Error): void {
    if (this.#settle(waiter)) waiter.reject(error);
  }

  #settle(waiter: Waiter): boolean {
    if (waiter.settled) return false;
    waiter.settled = true;
    this.#count -= 1;
    return true;
  }
}

function unconfirmed(): GrapeError {
  return new GrapeError('SHARD_UNAVAILABLE', 'no leader confirmed the read');
}

function abandoned(): Error {
  return new Error('nobody waits for the read any more');
}
