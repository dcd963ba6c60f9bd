import { parsePointId } from '../model/index.ts';
import { shardOf } from './index.ts';

test('the shard of an id never changes: points would be lost', () => {
  const ids = [0, 5, 2n ** 64n - 1n, '0b6f3f0e-5b5c-4a52-9d2e-0a8f8a7d9c11', 'a', 'ä'.repeat(256)];
  const shards = ids.map((id) => shardOf(1, parsePointId(id).key, 16));
  expect(shards).toEqual([14, 10, 9, 10, 12, 12]);
});

test('ids spread evenly over the shards', () => {
  const counts = new Array<number>(16).fill(0);
  for (let id = 0; id < 16_000; id++) counts[shardOf(1, parsePointId(id).key, 16)]! += 1;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('collections are spread independently of each other', () => {
  const ids = Array.from({ length: 100 }, (_, id) => parsePointId(id).key);
  const differing = ids.filter((key) => shardOf(1, key, 16) !== shardOf(2, key, 16));
  expect(differing.length).toBeGreaterThan(80);
});
