import { median, Rig } from './rig.ts';

/** Reads in turn before it is the other cluster's. */
const RUN = 50;

export interface ReadTimes {
  readonly roundMs: number;
  readonly leaseMs: number;
}

/**
 * One strong read at a time on the leader of three nodes, by a round of heartbeats and by a lease, in turn, so that both see
 * the same machine. Medians; the first runs warm up.
 */
export async function readTimes(runs: number): Promise<ReadTimes> {
  const byRound = await Rig.start({ nodes: 3, groups: 1 });
  const byLease = await Rig.start({ nodes: 3, groups: 1, leaseReads: true });
  const times: ReadonlyMap<Rig, number[]> = new Map([
    [byRound, []],
    [byLease, []],
  ]);
  try {
    for (let run = 0; run < 2 * runs; run += 1) {
      for (const [rig, all] of times) {
        const measured = await readsOf(rig);
        if (run >= runs) all.push(...measured);
      }
    }
  } finally {
    await byRound.close();
    await byLease.close();
  }
  return { roundMs: median(times.get(byRound) ?? []), leaseMs: median(times.get(byLease) ?? []) };
}

async function readsOf(rig: Rig): Promise<number[]> {
  const leader = rig.leaderOf(0);
  if (leader === undefined) throw new Error('no leader');
  const times: number[] = [];
  for (let read = 0; read < RUN; read += 1) {
    const startMs = performance.now();
    await leader.host.readBarrier(0);
    times.push(performance.now() - startMs);
  }
  return times;
}
