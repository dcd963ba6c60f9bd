import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../base/index.ts';
import { IndexBatch, type IndexHit, type VectorIndex } from '../index.ts';

const DEADLINE_MS = 120_000;

/** Waits until the graph holds every slot. */
export async function linkedAll(index: VectorIndex): Promise<void> {
  const deadline = systemClock.nowMs() + DEADLINE_MS;
  while (index.stats().unlinked > 0) {
    if (systemClock.nowMs() > deadline) throw new Error(`not linked within ${String(DEADLINE_MS)} ms`);
    await setImmediate();
  }
}

/** Puts the vectors into shard 0, generation 1, as version 1 of the ids `0`, `1`, .. */
export async function fill(index: VectorIndex, vectors: readonly Float32Array[]): Promise<void> {
  const batch = new IndexBatch();
  for (const [i, vector] of vectors.entries()) {
    batch.upsert({ shard: 0, generation: 1, version: 1, id: Buffer.from(String(i)), vector });
  }
  await index.apply(batch);
}

export const shardZero = [{ shard: 0, generation: 1 }];

export function idsOf(hits: readonly IndexHit[]): string[] {
  return hits.map(({ id }) => id.toString());
}

/** Which part of the true hits was found. */
export function recall(
  found: readonly (readonly IndexHit[])[],
  truth: readonly (readonly IndexHit[])[],
): number {
  let hits = 0;
  let wanted = 0;
  for (const [i, expected] of truth.entries()) {
    const ids = new Set(idsOf(found[i] ?? []));
    hits += idsOf(expected).filter((id) => ids.has(id)).length;
    wanted += expected.length;
  }
  return hits / wanted;
}
