import { nextTick } from 'node:process';
import type { IndexHit } from './vector-index-hits.ts';

/** Parameters that searches share when they cross into the addon together. */
export interface GatheredSearch {
  readonly k: number;
  readonly ef: number;
  readonly exact: boolean;
  /** The same object, not only the same shards. */
  readonly shards: readonly { readonly shard: number; readonly generation: number }[];
}

interface Waiter {
  readonly query: Float32Array;
  readonly resolve: (hits: IndexHit[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Group {
  readonly parameters: GatheredSearch;
  readonly waiters: Waiter[];
}

type Run = (queries: readonly Float32Array[], parameters: GatheredSearch) => Promise<IndexHit[][]>;

/**
 * Gathers the searches of one turn of the event loop: waking a thread and being woken by it costs as much as a search, and is paid once for
 * all with the same parameters.
 */
export class SearchGatherer {
  readonly #run: Run;
  #groups: Group[] = [];

  constructor(run: Run) {
    this.#run = run;
  }

  search(query: Float32Array, parameters: GatheredSearch): Promise<IndexHit[]> {
    return new Promise((resolve, reject) => {
      const waiter = { query, resolve, reject };
      const group = this.#groups.find((other) => areEqual(other.parameters, parameters));
      if (group !== undefined) {
        group.waiters.push(waiter);
        return;
      }
      // After all that this turn still has to do at once, so that its searches are there.
      if (this.#groups.length === 0) nextTick(() => this.flush());
      this.#groups.push({ parameters, waiters: [waiter] });
    });
  }

  /** Starts what was gathered. */
  flush(): void {
    const groups = this.#groups;
    this.#groups = [];
    for (const { parameters, waiters } of groups) {
      this.#run(
        waiters.map(({ query }) => query),
        parameters,
      ).then(
        (found) => waiters.forEach(({ resolve }, i) => resolve(found[i] ?? [])),
        (error: unknown) => waiters.forEach(({ reject }) => reject(error)),
      );
    }
  }
}

function areEqual(a: GatheredSearch, b: GatheredSearch): boolean {
  return a.k === b.k && a.ef === b.ef && a.exact === b.exact && a.shards === b.shards;
}
