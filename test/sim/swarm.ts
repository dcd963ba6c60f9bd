import type { Random } from '../../server/src/base/index.ts';

/** Kinds of faults; a seed has about half of them, so that each also happens without the others. */
export const FAULTS = [
  'loss',
  'replay',
  'delay',
  'partition',
  'one-way cut',
  'pause',
  'crash',
  'power loss',
  'ambush',
  'failing sync',
  'full disk',
  'slow disk',
  'slow apply',
  'corruption',
  'lost tail',
  'wipe',
  'replacement',
  'transfer',
  'clock jump',
  'broken transfer',
  'suspend',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Of these nothing begins at a time that is drawn. */
const STANDING = ['loss', 'replay', 'delay', 'slow apply', 'broken transfer', 'ambush'] as const;
type Standing = (typeof STANDING)[number];

export function isStanding(fault: Fault): fault is Standing {
  return (STANDING as readonly Fault[]).includes(fault);
}

export interface Swarm {
  readonly nodes: number;
  readonly groups: number;
  readonly replicas: number;
  readonly faults: ReadonlySet<Fault>;
  /** Entries that logs keep: few, so that replicas that were away need snapshots. */
  readonly threshold: number;
  /** Bytes of entries in memory: few, so that the disk is read. */
  readonly tailBytesMax: number;
  /** Messages pass through their encoding. */
  readonly encodes: boolean;
  /** Entries of one append: with few, a new leader's own entry comes long after what it found in its log. */
  readonly appendEntriesMax: number;
  /** Short ones bring many leaders. */
  readonly electionTicks: number;
  /** Leaders read by leases; then clocks do not jump, which leases rest on. */
  readonly leaseReads: boolean;
}

export function drawSwarm(random: Random): Swarm {
  const nodes = 3 + 2 * random.int(2);
  const leaseReads = random.next() < 1 / 3;
  const possible = FAULTS.filter((fault) => !(leaseReads && fault === 'clock jump'));
  return {
    nodes,
    groups: 1 + random.int(3),
    replicas: nodes === 5 && random.next() < 0.5 ? 5 : 3,
    faults: new Set(possible.filter(() => random.next() < 0.45)),
    threshold: 5 + random.int(60),
    tailBytesMax: random.next() < 0.3 ? 200 : 100_000,
    encodes: random.next() < 0.2,
    appendEntriesMax: random.next() < 0.5 ? 1 + random.int(2) : 16,
    electionTicks: 8 + random.int(13),
    leaseReads,
  };
}
