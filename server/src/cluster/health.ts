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

export interface ShardReach {
  /** How many the cluster has. */
  readonly shards: number;
  /** Can be neither read strongly nor written through this node now. */
  readonly outOfReach: readonly number[];
  /** The replica here was not started. */
  readonly damaged: readonly number[];
}

/** Judges a member by the shards that it can serve now. */
export function judge({ shards, outOfReach, damaged }: ShardReach): Verdict {
  if (outOfReach.length === 0) return { status: 'healthy', reason: undefined };
  const isAll = outOfReach.length === shards;
  const which = isAll ? 'every shard' : `shards ${rangesText(outOfReach)}`;
  const reach = `${which} (${outOfReach.length} of ${shards}) cannot be written or read strongly here: no leader in reach`;
  const logs =
    damaged.length === 0 ? '' : `; the logs of shards ${rangesText(damaged)} are damaged on this node`;
  return { status: isAll ? 'unavailable' : 'degraded', reason: `${reach}${logs}` };
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
