import type { DiskState } from '../storage/index.ts';

/** `make`: the entry frees more than it takes, as a deletion does once tables are compacted. */
export type Demand = 'take' | 'make';

/**
 * - `ok`: the entry has its place.
 * - `handOver`: most replicas have room, but not the leader that was asked: it hands the group over.
 * - `noMemory`: nothing more should be stored on this node.
 * - `none`: most replicas have none, so the entry could not be committed, or would take what recovery needs.
 */
export type RoomVerdict = 'ok' | 'handOver' | 'none' | 'noMemory';

/** What becomes of an entry; `states` are those of all replicas, unheard ones count as `ok`: silence is the quorum's matter. */
export function judgeRoom(demand: Demand, own: DiskState, states: readonly DiskState[]): RoomVerdict {
  const hasRoom = (state: DiskState): boolean => (demand === 'make' ? state !== 'full' : state === 'ok');
  const withRoom = states.filter(hasRoom).length;
  if (withRoom <= states.length / 2) return 'none';
  return hasRoom(own) ? 'ok' : 'handOver';
}
