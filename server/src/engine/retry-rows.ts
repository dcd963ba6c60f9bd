import type { PointStore } from './point-store.ts';
import { retryKey } from './keys.ts';
import { placesFor, type RetryRef, type RetryRows } from './retry-ledger.ts';
import type { RetryPlace, RetryRow } from './retry-row.ts';
import type { ShardState } from './shard-state.ts';

/** Reads what a turn with these writes may look at. */
export async function readRetryRows(
  store: PointStore,
  stateOf: (shard: number) => ShardState,
  refs: readonly RetryRef[],
): Promise<RetryRows> {
  const rows = new Map<string, RetryRow | undefined>();
  const oldest = new Map<number, RetryPlace[]>();
  if (refs.length === 0) return { rows, oldest };
  const keys = refs.map(({ shard, name }) => retryKey(stateOf(shard), name));
  const found = await store.retryRows(keys);
  keys.forEach((key, position) => rows.set(key.toString('latin1'), found[position]));
  const writes = new Map<number, number>();
  for (const { shard } of refs) writes.set(shard, (writes.get(shard) ?? 0) + 1);
  for (const [shard, count] of writes)
    oldest.set(shard, await store.oldestRetries(stateOf(shard), placesFor(count)));
  return { rows, oldest };
}
