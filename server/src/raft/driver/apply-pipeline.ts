import { invariant } from '../../base/index.ts';
import type { Entry } from '../core/index.ts';
import type { Applier } from '../types.ts';
import type { Replica } from './replica.ts';

/** Bytes of entries handed to the state machine in one call, unless a single entry is larger. */
const APPLY_BYTES_MAX = 8 * 2 ** 20;

interface Task {
  /** Runs only when nothing of it waits to be applied. */
  readonly drained: Replica | undefined;
  readonly run: () => Promise<void>;
  readonly refuse: () => void;
}

interface Work {
  readonly replica: Replica;
  readonly entries: readonly Entry[];
}

export interface Applied extends Work {
  readonly results: readonly unknown[];
}

/** Hands committed entries to the state machine, in log order within a group, one call at a time for all groups. */
export class ApplyPipeline {
  readonly #applier: Applier;
  readonly #onApplied: (work: readonly Applied[]) => void;
  readonly #onError: (error: unknown) => void;
  readonly #queues = new Map<Replica, Entry[]>();
  #tasks: Task[] = [];
  #inFlight: Promise<void> | undefined;
  #isClosed = false;

  constructor(o: {
    readonly applier: Applier;
    readonly onApplied: (work: readonly Applied[]) => void;
    readonly onError: (error: unknown) => void;
  }) {
    this.#applier = o.applier;
    this.#onApplied = o.onApplied;
    this.#onError = o.onError;
  }

  add(replica: Replica, entries: readonly Entry[]): void {
    const queue = this.#queues.get(replica);
    if (queue === undefined) this.#queues.set(replica, [...entries]);
    else queue.push(...entries);
  }

  /** Forgets what waits to be applied of a replica that is closed. */
  drop(replica: Replica): void {
    this.#queues.delete(replica);
  }

  /**
   * Runs `work` between two calls, before what is applied next; with `drained`, when nothing of that replica waits to be
   * applied. Rejects with what it fails with, or when the pipeline is closed before.
   */
  between<T>(work: () => Promise<T> | T, drained?: Replica): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const refuse = (): void => reject(new Error('the raft host has stopped'));
    if (this.#isClosed) refuse();
    else this.#tasks.push({ drained, run: () => Promise.resolve().then(work).then(resolve, reject), refuse });
    this.pump();
    return promise;
  }

  /** Starts a call unless one is under way or there is nothing to apply. */
  pump(): void {
    if (this.#inFlight !== undefined) return;
    const task = this.#takeTask();
    if (task !== undefined) {
      this.#inFlight = task.run().then(() => {
        this.#inFlight = undefined;
        if (!this.#isClosed) this.pump();
      });
      return;
    }
    if (this.#queues.size === 0) return;
    this.#inFlight = this.#apply(this.#take()).catch(this.#onError);
  }

  /** Resolves when the call under way has ended; what waits to run between calls is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#tasks.splice(0)) task.refuse();
    await this.#inFlight;
  }

  #takeTask(): Task | undefined {
    const at = this.#tasks.findIndex(({ drained }) => drained === undefined || !this.#queues.has(drained));
    return at < 0 ? undefined : this.#tasks.splice(at, 1)[0];
  }

  async #apply(work: readonly Work[]): Promise<void> {
    const batches = work.map(({ replica, entries }) => ({ group: replica.group, entries }));
    const results = await this.#applier.apply(batches);
    this.#inFlight = undefined;
    const applied = work.map((item, at) => ({ ...item, results: results[at] ?? [] }));
    for (const { replica, entries, results: of } of applied) {
      invariant(of.length === entries.length, 'every entry has a result', {
        group: replica.group,
        entries: entries.length,
        results: of.length,
      });
    }
    this.#onApplied(applied);
  }

  /** A share of every group, so that a busy one does not hold up the others. */
  #take(): Work[] {
    const share = APPLY_BYTES_MAX / this.#queues.size;
    const work: Work[] = [];
    for (const [replica, queue] of this.#queues) {
      let count = 0;
      for (let bytes = 0; count < queue.length; count += 1) {
        bytes += (queue[count] as Entry).data.length;
        if (bytes > share && count > 0) break;
      }
      work.push({ replica, entries: queue.slice(0, count) });
      if (count === queue.length) this.#queues.delete(replica);
      else this.#queues.set(replica, queue.slice(count));
    }
    return work;
  }
}
