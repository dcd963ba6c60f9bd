import type { Entry } from '../types.ts';

/** Bytes of payload; what an entry costs besides is bounded by counting entries. */
export function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/** The first entries that fit into `bytesMax`, but at least `countMin` of them. */
export function fitting(entries: readonly Entry[], bytesMax: number, countMin = 1): readonly Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of entries) {
    bytes += entry.data.length;
    if (bytes > bytesMax && count >= countMin) break;
    count += 1;
  }
  return count === entries.length ? entries : entries.slice(0, count);
}
