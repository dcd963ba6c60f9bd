/** What `GET /health` says; the status code is 503 when `unavailable`. */
export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unavailable';
  /** Absent when healthy. */
  readonly reason?: string;
  readonly node_id: string;
  readonly version: string;
  readonly uptime_seconds: number;
  /** In `meta`; null outside of a cluster. */
  readonly role: 'leader' | 'follower' | 'learner' | null;
  readonly leader_id: string | null;
}

export interface Verdict {
  readonly status: Health['status'];
  readonly reason: string | undefined;
}

/** Judges a member by the shards that can be neither read strongly nor written through it now. */
export function judge(shardCount: number, unreachable: readonly number[]): Verdict {
  if (unreachable.length === 0) return { status: 'healthy', reason: undefined };
  const which = unreachable.length === shardCount ? 'every shard' : `shards ${rangesText(unreachable)}`;
  return {
    status: unreachable.length === shardCount ? 'unavailable' : 'degraded',
    reason: `${which} (${unreachable.length} of ${shardCount}) cannot be written or read strongly here: no leader in reach`,
  };
}

/** `0-5, 7`; ascending input. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}
