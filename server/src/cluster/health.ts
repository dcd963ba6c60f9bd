import type { MemoryRoom } from '../observability/index.ts';
import type { DiskState } from '../storage/index.ts';

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

/** Room on the disk of this node. */
export interface NodeDisk {
  readonly state: DiskState;
  readonly availableBytes: number;
}

export interface ShardReach {
  /** How many the cluster has. */
  readonly shards: number;
  /** Can be neither read strongly nor written through this node now. */
  readonly outOfReach: readonly number[];
  /** The replica here was not started. */
  readonly damaged: readonly number[];
  /** The same of the replica of `meta`. */
  readonly isMetaDamaged: boolean;
  readonly disk: NodeDisk;
  readonly memory: MemoryRoom;
  /** Synced writes take long. */
  readonly isDiskSlow: boolean;
}

/** Judges a member by the shards that it can serve now, and by what it lacks itself. */
export function judge(reach: ShardReach): Verdict {
  const { shards, outOfReach } = reach;
  const reasons = [
    ...reachReasons(reach),
    ...damageReasons(reach),
    ...diskReasons(reach.disk),
    ...memoryReasons(reach.memory),
  ];
  if (reach.isDiskSlow)
    reasons.push('the disk of this node is slow: it leads nothing that another node can lead');
  if (reasons.length === 0) return { status: 'healthy', reason: undefined };
  const isAll = shards > 0 && outOfReach.length === shards;
  return { status: isAll ? 'unavailable' : 'degraded', reason: reasons.join('; ') };
}

function reachReasons({ shards, outOfReach }: ShardReach): string[] {
  if (outOfReach.length === 0) return [];
  const which = outOfReach.length === shards ? 'every shard' : `shards ${rangesText(outOfReach)}`;
  return [
    `${which} (${outOfReach.length} of ${shards}) cannot be written or read strongly here: no leader in reach`,
  ];
}

function damageReasons({ damaged, isMetaDamaged }: ShardReach): string[] {
  const reasons: string[] = [];
  if (isMetaDamaged) reasons.push('the log of meta is damaged on this node');
  if (damaged.length > 0) reasons.push(`the logs of shards ${rangesText(damaged)} are damaged on this node`);
  return reasons;
}

function diskReasons({ state, availableBytes }: NodeDisk): string[] {
  if (state === 'ok') return [];
  const left = `${Math.floor(availableBytes / 2 ** 20)} MiB left`;
  return [
    state === 'full'
      ? `the disk of this node is full (${left}): it votes and reads, and appends nothing`
      : `the disk of this node is almost full (${left}): it leads nothing that another node can lead`,
  ];
}

function memoryReasons({ isShort, usedBytes, limitBytes }: MemoryRoom): string[] {
  if (!isShort) return [];
  const [used, limit] = [usedBytes, limitBytes].map((bytes) => Math.floor(bytes / 2 ** 20));
  return [`the memory of this node is almost used up (${used} of ${limit} MiB): it takes no upserts`];
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
