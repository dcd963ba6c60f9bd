import { judge, rangesText } from './health.ts';

test('a node that reaches the leader of every shard is healthy', () => {
  expect(judge({ shards: 16, outOfReach: [], damaged: [] })).toEqual({
    status: 'healthy',
    reason: undefined,
  });
});

test('shards out of reach degrade a node and are named', () => {
  const { status, reason } = judge({ shards: 16, outOfReach: [0, 1, 2, 7, 9, 10], damaged: [7] });
  expect(status).toBe('degraded');
  expect(reason).toContain('shards 0-2, 7, 9-10 (6 of 16)');
  expect(reason).toContain('the logs of shards 7 are damaged');
});

test('a node without any shard in reach is unavailable', () => {
  expect(judge({ shards: 2, outOfReach: [0, 1], damaged: [] }).status).toBe('unavailable');
});

test.each([
  [[], ''],
  [[5], '5'],
  [[0, 1, 2], '0-2'],
  [[0, 2, 3, 5], '0, 2-3, 5'],
])('%j is written %s', (numbers, text) => {
  expect(rangesText(numbers)).toBe(text);
});
