import { judge, rangesText, type ShardReach } from './health.ts';

const GOOD: ShardReach = {
  shards: 16,
  outOfReach: [],
  damaged: [],
  isMetaDamaged: false,
  isDiskSlow: false,
  disk: { state: 'ok', availableBytes: 2 ** 34 },
  memory: { isShort: false, usedBytes: 2 ** 29, limitBytes: 2 ** 30 },
};

test('a node that reaches the leader of every shard, with whole logs and room on its disk, is healthy', () => {
  expect(judge(GOOD)).toEqual({ status: 'healthy', reason: undefined });
});

test('shards out of reach degrade a node and are named', () => {
  const { status, reason } = judge({ ...GOOD, outOfReach: [0, 1, 2, 7, 9, 10], damaged: [7] });
  expect(status).toBe('degraded');
  expect(reason).toContain('shards 0-2, 7, 9-10 (6 of 16)');
  expect(reason).toContain('the logs of shards 7 are damaged');
});

test('a node without any shard in reach is unavailable', () => {
  expect(judge({ ...GOOD, shards: 2, outOfReach: [0, 1] }).status).toBe('unavailable');
});

test.each<[string, Partial<ShardReach>, string]>([
  ['with a damaged shard', { damaged: [3, 4] }, 'the logs of shards 3-4 are damaged'],
  ['with a damaged meta', { isMetaDamaged: true }, 'the log of meta is damaged'],
  [
    'on a disk that is almost full',
    { disk: { state: 'low', availableBytes: 2 ** 25 } },
    'almost full (32 MiB left)',
  ],
  ['on a full disk', { disk: { state: 'full', availableBytes: 2 ** 20 } }, 'full (1 MiB left)'],
])('a node %s is degraded although every shard is in reach', (_, lack, reason) => {
  expect(judge({ ...GOOD, ...lack })).toEqual({
    status: 'degraded',
    reason: expect.stringContaining(reason) as unknown,
  });
});

test.each([
  [[], ''],
  [[5], '5'],
  [[0, 1, 2], '0-2'],
  [[0, 2, 3, 5], '0, 2-3, 5'],
])('%j is written %s', (numbers, text) => {
  expect(rangesText(numbers)).toBe(text);
});

test('a node whose disk is slow says so', () => {
  expect(judge({ ...GOOD, isDiskSlow: true })).toEqual({
    status: 'degraded',
    reason: 'the disk of this node is slow: it leads nothing that another node can lead',
  });
});

test('a node without memory for more says how much it uses', () => {
  const memory = { isShort: true, usedBytes: 950 * 2 ** 20, limitBytes: 2 ** 30 };
  expect(judge({ ...GOOD, memory })).toEqual({
    status: 'degraded',
    reason: 'the memory of this node is almost used up (950 of 1024 MiB): it takes no upserts',
  });
});
