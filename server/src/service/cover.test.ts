import fc from 'fast-check';

import { coverShards } from './cover.ts';

const NODES = ['a', 'b', 'c', 'd', 'e'] as const;

test('every shard with a candidate is covered once, by a node that holds it', () => {
  const holders = fc.array(fc.subarray([...NODES]), { minLength: 1, maxLength: 24 });
  fc.assert(
    fc.property(holders, fc.constantFrom(...NODES), (table, self) => {
      const shards = table.map((_, shard) => shard);
      const plan = coverShards({ shards, self, candidates: (shard) => table[shard] ?? [] });
      const covered = plan.flatMap((part) => part.shards);
      expect([...covered].sort((x, y) => x - y)).toEqual(
        shards.filter((shard) => table[shard]?.length !== 0),
      );
      for (const part of plan) for (const shard of part.shards) expect(table[shard]).toContain(part.nodeId);
    }),
  );
});

test('this node takes everything that it holds', () => {
  const plan = coverShards({
    shards: [0, 1, 2],
    self: 'b',
    candidates: (shard) => (shard < 2 ? ['a', 'b'] : ['a', 'c']),
  });
  expect(plan).toEqual([
    { nodeId: 'b', shards: [0, 1] },
    { nodeId: 'a', shards: [2] },
  ]);
});

test('the rest goes to as few nodes as possible', () => {
  const candidates = (shard: number): string[] => (shard === 3 ? ['c', 'd'] : ['b', 'c']);
  expect(coverShards({ shards: [1, 2, 3], self: 'a', candidates })).toEqual([
    { nodeId: 'c', shards: [1, 2, 3] },
  ]);
});
