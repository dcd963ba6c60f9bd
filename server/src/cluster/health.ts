/** What this node can do for clients now. */
export interface Health {
  /** `degraded`: some shards cannot be read strongly or written through this node; `unavailable`: none can. */
  readonly status: 'healthy' | 'degraded' | 'unavailable';
  /** Undefined when healthy. */
  readonly reason: string | undefined;
  /** In `meta`; `learner` outside of a cluster: without a vote. */
  readonly role: 'leader' | 'follower' | 'learner';
  readonly leaderId: string | undefined;
}

export type Verdict = Pick<Health, 'status' | 'reason'>;

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
