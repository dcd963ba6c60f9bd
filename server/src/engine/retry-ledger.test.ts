import { WriteBatch } from '../storage/index.ts';
import { RETRY_KEPT_MS, RETRY_ROWS_MAX, RetryLedger } from './retry-ledger.ts';
import type { RetryPlace } from './retry-row.ts';

const NOW_MS = 1_700_000_000_000;
const state = (
  retryRows: number,
): { shard: number; generation: number; logTimeMs: number; retryRows: number } => ({
  shard: 1,
  generation: 1,
  logTimeMs: NOW_MS,
  retryRows,
});
const places = (count: number, timeMs: number): RetryPlace[] =>
  Array.from({ length: count }, (_, i) => ({ index: i + 1, timeMs, name: Buffer.from(`n${i}`) }));
const ledger = (oldest: RetryPlace[]): RetryLedger =>
  new RetryLedger(new WriteBatch(), { rows: new Map(), oldest: new Map([[1, oldest]]) });

test('a full table has no room while its oldest row is young enough', () => {
  const counters = state(RETRY_ROWS_MAX);
  expect(ledger(places(10, NOW_MS - RETRY_KEPT_MS)).makeRoom(counters)).toBe(false);
  expect(counters.retryRows).toBe(RETRY_ROWS_MAX);
});

test('one write evicts a few of the rows that are old enough, and then there is room', () => {
  const counters = state(RETRY_ROWS_MAX);
  const oldest = places(10, NOW_MS - RETRY_KEPT_MS - 1);
  expect(ledger(oldest).makeRoom(counters)).toBe(true);
  expect(counters.retryRows).toBe(RETRY_ROWS_MAX - 4);
  expect(oldest.map(({ index }) => index)).toEqual([5, 6, 7, 8, 9, 10]);
});

test('the last free row can still be taken', () => {
  expect(ledger([]).makeRoom(state(RETRY_ROWS_MAX - 1))).toBe(true);
});
