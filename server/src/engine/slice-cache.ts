import type { CollectionSlice } from './keys.ts';
import type { ShardState } from './shard-state.ts';

/**
 * The shards of a query as the store has them. Searches name the same shards again and again, and their generations hardly ever
 * change: the same list then means the same slices.
 */
export class SliceCache {
  readonly #states: ReadonlyMap<number, ShardState>;
  #shards: readonly number[] = [];
  #collection = 0;
  #slices: readonly CollectionSlice[] = [];

  constructor(states: ReadonlyMap<number, ShardState>) {
    this.#states = states;
  }

  /** Throws a `RangeError` for a shard that is not open here. */
  of({
    shards,
    collection,
  }: {
    readonly shards: readonly number[];
    readonly collection: number;
  }): readonly CollectionSlice[] {
    if (shards !== this.#shards || collection !== this.#collection || !this.#isCurrent()) {
      this.#slices = shards.map((shard) => ({ shard, collection, generation: this.#generation(shard) }));
      this.#shards = shards;
      this.#collection = collection;
    }
    return this.#slices;
  }

  #isCurrent(): boolean {
    return this.#slices.every(({ shard, generation }) => this.#states.get(shard)?.generation === generation);
  }

  #generation(shard: number): number {
    const state = this.#states.get(shard);
    if (state === undefined) throw new RangeError(`shard ${String(shard)} is not open on this node`);
    return state.generation;
  }
}
