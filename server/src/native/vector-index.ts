import { availableParallelism } from 'node:os';
import { invariant } from '../base/index.ts';
import { SearchGatherer } from './search-gatherer.ts';
import { indexAddon, type IndexHandle, type IndexStats } from './vector-index-addon.ts';
import { type IndexBatch } from './vector-index-batch.ts';
import { settledIndexCall, VectorIndexError } from './vector-index-error.ts';
import { type IndexHit, type IndexPlan, unpackHits } from './vector-index-hits.ts';

/** The numbers of `Metric` in `server/native/src/search/metric.h` are the positions. */
const METRICS = ['cosine', 'dot', 'euclidean'] as const;
export type IndexMetric = (typeof METRICS)[number];

export const INDEX_DIMENSION_MAX = 4096;
/** Queries that one thread takes at a time. */
const QUERIES_PER_JOB = { least: 2, most: 16 };

export interface VectorIndexOptions {
  /** 1 to 4,096. */
  readonly dimension: number;
  readonly metric: IndexMetric;
  /** Neighbours of a point in the graph, 2 to 128; twice that on its lowest level. */
  readonly m: number;
  /** Candidates among which a new point's neighbours are chosen, 1 to 4,096. */
  readonly efConstruction: number;
  /** Candidates are found by one bit per value instead of eight: less memory, and more candidates for the same recall. */
  readonly binaryQuantization: boolean;
}

export interface IndexSearch {
  /** At least 1 result, fewer when there are not so many points. */
  readonly k: number;
  /** Candidates of the graph search; at least `k` are taken. */
  readonly ef: number;
  /** Compare with every vector instead of walking the graph. */
  readonly exact: boolean;
  /** Only points of these are found. */
  readonly shards: readonly { readonly shard: number; readonly generation: number }[];
  /** Only points that this expression lets pass, see `filter-program.ts` of the engine. */
  readonly filter?: Buffer | undefined;
  /** Is told how each query was answered. */
  readonly onPlan?: ((plan: IndexPlan) => void) | undefined;
}

export interface RecallSample {
  /** How many points, or queries one after the other. */
  readonly queries: number | Float32Array;
  readonly k: number;
  /** Each is searched with. */
  readonly efs: readonly number[];
  readonly shards: IndexSearch['shards'];
  /** 0 to 2^32 - 1; equal ones choose the same points. */
  readonly seed: number;
}

export interface SampledRecall {
  /** Neighbours of all queries together. */
  readonly wanted: number;
  /** Those that were found with each of `efs`. */
  readonly found: readonly number[];
}

/**
 * The vectors of one collection on one node, those of all its shards in one graph. Calls may
 * overlap; a failed one rejects with `VectorIndexError`, and calls after `close` with `INDEX_CLOSED`. An index that
 * nobody closed is given back when the garbage collector took it.
 */
export class VectorIndex {
  readonly options: VectorIndexOptions;
  readonly #handle: IndexHandle;
  readonly #gatherer = new SearchGatherer((queries, o) => this.#searchMany(queries, o));
  #running = 0;
  #closed = false;
  #allSettled: (() => void) | undefined;

  private constructor(handle: IndexHandle, options: VectorIndexOptions) {
    this.#handle = handle;
    this.options = options;
  }

  /** An empty index. */
  static create(options: VectorIndexOptions): VectorIndex {
    const { dimension, metric, m, efConstruction, binaryQuantization } = options;
    return new VectorIndex(
      indexAddon().indexCreate(dimension, METRICS.indexOf(metric), m, efConstruction, binaryQuantization),
      options,
    );
  }

  /**
   * The index that `save` wrote, and its tag. `INDEX_NOT_FOUND`, `INDEX_IO_ERROR`; `INDEX_DAMAGED` when one byte is not
   * as it was written: make it anew then.
   */
  static async load(path: string): Promise<{ index: VectorIndex; tag: Buffer }> {
    const loaded = await settledIndexCall(indexAddon().indexLoad(path));
    const metric = METRICS[loaded.metric];
    invariant(metric !== undefined, 'the addon knows our metrics', { metric: loaded.metric });
    const { handle, tag, dimension, m, efConstruction, binaryQuantization } = loaded;
    const options = { dimension, metric, m, efConstruction, binaryQuantization };
    return { index: new VectorIndex(handle, options), tag };
  }

  /**
   * Applies the changes, all or, after a failure, none. Every search that begins after it settled sees them; one that
   * began before sees all of them or none. Batches take effect in the order of the calls.
   */
  apply(batch: IndexBatch): Promise<void> {
    return this.#call(() => indexAddon().indexApply(this.#handle, batch.lend()));
  }

  /**
   * The best points, best first, equal scores by the bytes of the id. Approximate unless `exact`: candidates by
   * codes, scored anew in float32, so that every score is exact. The query is copied.
   */
  async search(o: IndexSearch & { readonly query: Float32Array }): Promise<IndexHit[]> {
    this.#check(o.query, o);
    if (o.filter === undefined && o.onPlan === undefined && !this.#closed)
      return this.#gatherer.search(o.query, o);
    const [hits] = await this.#search(o.query, o);
    return hits ?? [];
  }

  /** As `search` for each of the queries, on several threads and with fewer wake-ups. */
  async searchBatch(o: IndexSearch & { readonly queries: readonly Float32Array[] }): Promise<IndexHit[][]> {
    for (const query of o.queries) this.#check(query, o);
    return this.#searchMany(o.queries, o);
  }

  /**
   * Counts what searches find of the nearest points of some queries; or of random points of the graph, each as if it were not
   * in the index. It takes what others leave of the processors.
   */
  async sampleRecall(o: RecallSample): Promise<SampledRecall> {
    const shards = shardPairs(o.shards);
    const [wanted = 0, ...found] = await this.#call(() =>
      indexAddon().indexRecall(this.#handle, o.queries, o.k, Uint32Array.from(o.efs), shards, o.seed),
    );
    return { wanted, found };
  }

  /** Live points of the shards with values in a field: of its type, and of others. */
  async fieldCounts(
    field: number,
    shards: IndexSearch['shards'],
  ): Promise<{ readonly fitting: number; readonly misfits: number }> {
    const [fitting = 0, misfits = 0] = await this.#call(() =>
      indexAddon().indexFieldCounts(this.#handle, field, shardPairs(shards)),
    );
    return { fitting, misfits };
  }

  /** At once. Throws `INDEX_CLOSED`. */
  stats(): IndexStats {
    const stats = indexAddon().indexStats(this.#handle);
    if (stats === undefined) throw new VectorIndexError('INDEX_CLOSED', 'the index is closed');
    return stats;
  }

  /**
   * Writes the index as of some moment of the call, batches as a whole, beside `path`; it is there when it is on disk.
   * Other calls go on meanwhile. `tag`: bytes that `load` gives back.
   */
  save(path: string, tag: Buffer): Promise<void> {
    return this.#call(() => indexAddon().indexSave(this.#handle, path, tag));
  }

  /** Refuses further calls and waits for those under way; may be called again. */
  async close(): Promise<void> {
    if (!this.#closed) {
      // They were asked for before.
      this.#gatherer.flush();
      indexAddon().indexClose(this.#handle);
    }
    this.#closed = true;
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const waiting = this.#allSettled;
        this.#allSettled = () => {
          waiting?.();
          resolve();
        };
      });
    }
  }

  #check({ length }: Float32Array, o: IndexSearch): void {
    invariant(length === this.options.dimension, 'a query has the dimension', { length });
    invariant(Number.isInteger(o.k) && o.k >= 1 && Number.isInteger(o.ef), 'a search wants results', {
      k: o.k,
      ef: o.ef,
    });
  }

  /** In jobs that keep all threads busy, each as large as that allows. */
  async #searchMany(queries: readonly Float32Array[], o: IndexSearch): Promise<IndexHit[][]> {
    const [only] = queries;
    if (queries.length === 1 && only !== undefined) return this.#search(only, o);
    const { dimension } = this.options;
    const perJob = Math.min(
      QUERIES_PER_JOB.most,
      Math.max(QUERIES_PER_JOB.least, Math.ceil(queries.length / availableParallelism())),
    );
    const jobs: Promise<IndexHit[][]>[] = [];
    for (let at = 0; at < queries.length; at += perJob) {
      const some = queries.slice(at, at + perJob);
      const joined = new Float32Array(some.length * dimension);
      for (const [i, query] of some.entries()) joined.set(query, i * dimension);
      jobs.push(this.#search(joined, o));
    }
    return (await Promise.all(jobs)).flat();
  }

  /** `queries`: one behind the other. */
  async #search(queries: Float32Array, o: IndexSearch): Promise<IndexHit[][]> {
    const shards = shardPairs(o.shards);
    const packed = await this.#call(() =>
      indexAddon().indexSearch(this.#handle, queries, o.k, o.ef, o.exact, shards, o.filter),
    );
    return unpackHits(packed, o.onPlan);
  }

  async #call<T>(start: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await settledIndexCall(start());
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#allSettled?.();
    }
  }
}

/**
 * The score of two vectors of one dimension, to the bit as a search gives it: float32 sums in 16 lanes
 * with fused multiply-add, cosine = dot / (sqrt(dot(a, a)) * sqrt(dot(b, b))), euclidean = sqrt of the sum of squares.
 */
export function exactScore(metric: IndexMetric, a: Float32Array, b: Float32Array): number {
  return indexAddon().exactScore(METRICS.indexOf(metric), a, b);
}

/** Searches come with the same list again and again. */
const PAIRS = new WeakMap<IndexSearch['shards'], Uint32Array>();

/** Shard and generation, in turn. */
function shardPairs(shards: IndexSearch['shards']): Uint32Array {
  const known = PAIRS.get(shards);
  if (known !== undefined) return known;
  const pairs = Uint32Array.from(shards.flatMap(({ shard, generation }) => [shard, generation]));
  PAIRS.set(shards, pairs);
  return pairs;
}
