import { exactScore, type IndexHit, type IndexMetric, type IndexSearch, type SlotAddress } from '../index.ts';

type Change =
  (SlotAddress & { readonly vector: Float32Array }) | (SlotAddress & { readonly vector?: undefined });

/** What the vector index promises, as plainly as possible: a map, and a sort of everything. */
export class NaiveIndex {
  readonly #points = new Map<string, SlotAddress & { readonly vector: Float32Array }>();
  readonly #metric: IndexMetric;

  constructor(metric: IndexMetric) {
    this.#metric = metric;
  }

  get size(): number {
    return this.#points.size;
  }

  change(change: Change): void {
    const key = `${String(change.shard)}/${change.id.toString('hex')}`;
    const known = this.#points.get(key);
    if (known?.generation === change.generation && known.version > change.version) return;
    if (change.vector === undefined) this.#points.delete(key);
    else this.#points.set(key, { ...change, vector: change.vector });
  }

  dropShard(shard: number): void {
    for (const [key, point] of this.#points) if (point.shard === shard) this.#points.delete(key);
  }

  search(query: Float32Array, { k, shards }: Pick<IndexSearch, 'k' | 'shards'>): IndexHit[] {
    const hits: IndexHit[] = [];
    for (const { vector, ...address } of this.#points.values()) {
      const admitted = shards.some(
        ({ shard, generation }) => shard === address.shard && generation === address.generation,
      );
      if (admitted)
        hits.push({ ...address, isInteger: false, score: exactScore(this.#metric, query, vector) });
    }
    return hits.sort((a, b) => this.#order(a, b)).slice(0, k);
  }

  #order(a: IndexHit, b: IndexHit): number {
    const [left, right] = [this.#badness(a.score), this.#badness(b.score)];
    if (left !== right) return left < right ? -1 : 1;
    return Buffer.compare(a.id, b.id) || a.shard - b.shard;
  }

  /** Smaller is better; what is no number, which infinite sums give, is the worst. */
  #badness(score: number): number {
    if (Number.isNaN(score)) return Infinity;
    return this.#metric === 'euclidean' ? score : -score;
  }
}
