/** Latencies of one phase, in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export function summarise(latenciesMs: readonly number[], elapsedMs: number): LatencySummary {
  const sorted = Float64Array.from(latenciesMs).sort();
  return {
    count: sorted.length,
    perSecond: (sorted.length / elapsedMs) * 1000,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    p99Ms: quantile(sorted, 0.99),
  };
}

/** Nearest rank: the smallest value that at least the share `q` of all values does not exceed. */
export function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

/** Share of the true neighbours found, over all queries. */
export function recallAt(
  found: readonly (readonly number[])[],
  truth: readonly (readonly number[])[],
): number {
  let hits = 0;
  let wanted = 0;
  found.forEach((ids, query) => {
    const expected = new Set(truth[query]);
    wanted += expected.size;
    for (const id of ids) if (expected.has(id)) hits += 1;
  });
  return hits / wanted;
}
