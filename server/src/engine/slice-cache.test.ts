import { newShardState, type ShardState } from './shard-state.ts';
import { SliceCache } from './slice-cache.ts';

const stateOf = (shard: number, generation: number): ShardState => newShardState({ shard, generation });

test('the same list of shards means the same slices until a generation changes', () => {
  const states = new Map([0, 1].map((shard) => [shard, stateOf(shard, 1)]));
  const cache = new SliceCache(states);
  const shards = [0, 1];
  const before = cache.of({ shards, collection: 1 });
  expect(before.map(({ generation }) => generation)).toEqual([1, 1]);
  states.set(0, stateOf(0, 1));
  expect(cache.of({ shards, collection: 1 })).toBe(before);
  states.set(1, stateOf(1, 2));
  expect(cache.of({ shards, collection: 1 }).map(({ generation }) => generation)).toEqual([1, 2]);
});

test('other shards and other collections are other slices', () => {
  const cache = new SliceCache(new Map([0, 1].map((shard) => [shard, stateOf(shard, 1)])));
  const both = [0, 1];
  cache.of({ shards: both, collection: 1 });
  expect(cache.of({ shards: [1], collection: 1 })).toEqual([{ shard: 1, collection: 1, generation: 1 }]);
  expect(cache.of({ shards: both, collection: 2 })[0]?.collection).toBe(2);
  expect(() => cache.of({ shards: [2], collection: 1 })).toThrow(RangeError);
});
