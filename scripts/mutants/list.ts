import { DISKS } from './list/disks.ts';
import { DURABILITY } from './list/durability.ts';
import { ELECTIONS } from './list/elections.ts';
import { LOG_STORE } from './list/log-store.ts';
import { MEMBERSHIP } from './list/membership.ts';
import { NODES } from './list/nodes.ts';
import { READS } from './list/reads.ts';
import { REPAIRS } from './list/repairs.ts';
import { REPLICATION } from './list/replication.ts';
import type { Mutant } from './types.ts';

export const MUTANTS: readonly Mutant[] = [
  ...DURABILITY,
  ...ELECTIONS,
  ...REPLICATION,
  ...READS,
  ...MEMBERSHIP,
  ...LOG_STORE,
  ...NODES,
  ...DISKS,
  ...REPAIRS,
];

/**
 * The ten that `make test` tries: each alone can lose an acknowledged write, elect two leaders in a term or answer a stale
 * read, with nothing else noticing; the others cost availability, or are caught by an invariant or a second rule.
 */
export const MOST: readonly string[] = [
  'vote-for-two',
  'vote-before-it-is-durable',
  'acknowledge-before-it-is-durable',
  'driver-never-syncs',
  'commit-prior-terms-by-counting',
  'old-append-shortens-the-log',
  'read-without-a-round',
  'skip-the-outgoing-quorum',
  'chain-is-not-checked',
  'earlier-incarnation-is-heard',
];
