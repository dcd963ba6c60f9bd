import { Abandonment, asError, type Clock, GrapeError } from '../base/index.ts';
import type { Groups } from './ports.ts';

/** Barriers of one group under way at one time: reads that come later wait for one of them and share the next. */
export const BARRIERS_AT_ONCE = 4;

/** A read that waits for the barriers of its shards. */
interface Waiter {
  /** Shards that are not confirmed yet. */
  left: number;
  /** Where it waits, to be taken out of when it gives up. */
  readonly rounds: Round[];
  readonly settle: (error: Error | undefined) => void;
}

/** One barrier of one group and the reads that share it. */
interface Round {
  readonly waiters: Set<Waiter>;
  /** The barrier has answered. */
  isDone: boolean;
  readonly abandonment: Abandonment;
}

interface GroupRounds {
  underWay: number;
  /** Not started: may still be joined. */
  next: Round | undefined;
}

/**
 * The read barriers of this node. All reads of one turn of the event loop share one barrier per group, and a barrier
 * that nobody waits for any more is abandoned: while there is no quorum, reads that gave up cost nothing.
 */
export class ReadBarriers {
  readonly #groups: Groups;
  readonly #clock: Clock;
  readonly #rounds = new Map<number, GroupRounds>();
  #isScheduled = false;

  constructor(deps: { readonly groups: Groups; readonly clock: Clock }) {
    this.#groups = deps.groups;
    this.#clock = deps.clock;
  }

  /**
   * Resolves when the local replicas of `shards` have applied everything acknowledged before this call. Rejects with
   * SHARD_UNAVAILABLE at the deadline, and with the first barrier that fails.
   */
  reach(shards: readonly number[], deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const leftMs = Math.max(0, deadlineMs - this.#clock.nowMs());
      const timer = this.#clock.after(leftMs, () => {
        waiter.settle(new GrapeError('SHARD_UNAVAILABLE', 'no quorum confirmed the read in time'));
      });
      const waiter: Waiter = {
        left: shards.length,
        rounds: [],
        settle: (error) => {
          timer.cancel();
          this.#leave(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      for (const shard of shards) this.#join(shard, waiter);
      this.#schedule();
    });
  }

  #join(group: number, waiter: Waiter): void {
    const rounds = this.#rounds.get(group) ?? { underWay: 0, next: undefined };
    this.#rounds.set(group, rounds);
    rounds.next ??= { waiters: new Set(), isDone: false, abandonment: new Abandonment() };
    rounds.next.waiters.add(waiter);
    waiter.rounds.push(rounds.next);
  }

  /** The end of the turn: what else arrived with this read has joined by then. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (const group of this.#rounds.keys()) this.#start(group);
    });
  }

  #start(group: number): void {
    const rounds = this.#rounds.get(group);
    if (rounds?.next === undefined || rounds.underWay >= BARRIERS_AT_ONCE) return;
    const round = rounds.next;
    rounds.next = undefined;
    if (round.waiters.size === 0) return;
    rounds.underWay += 1;
    const settled = (): void => {
      rounds.underWay -= 1;
      this.#start(group);
    };
    this.#groups.readBarrier(group, round.abandonment).then(
      () => {
        confirm(round);
        settled();
      },
      (error: unknown) => {
        fail(round, asError(error));
        settled();
      },
    );
  }

  #leave(waiter: Waiter): void {
    for (const round of waiter.rounds) {
      round.waiters.delete(waiter);
      if (round.waiters.size === 0 && !round.isDone) round.abandonment.abandon();
    }
  }
}

function confirm(round: Round): void {
  round.isDone = true;
  for (const waiter of [...round.waiters]) {
    round.waiters.delete(waiter);
    waiter.left -= 1;
    if (waiter.left === 0) waiter.settle(undefined);
  }
}

function fail(round: Round, error: Error): void {
  round.isDone = true;
  for (const waiter of [...round.waiters]) waiter.settle(error);
}
