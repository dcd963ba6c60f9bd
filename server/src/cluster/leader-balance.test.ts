import { type LedShard, planTransfers } from './leader-balance.ts';

const READY: LedShard = {
  shard: 0,
  preferredLeader: 'node-2',
  ledForMs: 60_000,
  preferredCaughtUp: true,
  preferredHealthyMs: 60_000,
  isTransferring: false,
};

function planned(led: readonly Partial<LedShard>[], justFormed = false): number[] {
  const shards = led.map((shard, number) => ({ ...READY, shard: number, ...shard }));
  return planTransfers({ self: 'node-1', justFormed, led: shards }).map(({ shard }) => shard);
}

test('a shard goes to its preferred leader when that one is caught up and all was quiet for half a minute', () => {
  expect(planned([{}])).toEqual([0]);
});

test.each<[string, Partial<LedShard>]>([
  ['this node is the preferred leader', { preferredLeader: 'node-1' }],
  ['the preferred leader is not caught up', { preferredCaughtUp: false }],
  ['an election was less than 30 s ago', { ledForMs: 29_999 }],
  ['the preferred leader is back for less than 30 s', { preferredHealthyMs: 29_999 }],
  ['it is on its way', { isTransferring: true }],
])('a shard stays when %s', (_why, shard) => {
  expect(planned([shard])).toEqual([]);
});

test('right after the cluster has formed nobody waits for quiet', () => {
  expect(planned([{ ledForMs: 10, preferredHealthyMs: 10 }], true)).toEqual([0]);
  expect(planned([{ ledForMs: 10, preferredCaughtUp: false }], true)).toEqual([]);
});

test('at most two shards are on their way at once', () => {
  expect(planned([{}, {}, {}])).toEqual([0, 1]);
  expect(planned([{ isTransferring: true }, {}, {}])).toEqual([1]);
  expect(planned([{ isTransferring: true }, { isTransferring: true }, {}])).toEqual([]);
});
