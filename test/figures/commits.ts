import { openRocksKv, WriteBatch } from '../../server/src/storage/index.ts';
import { median, Rig } from './rig.ts';

const ENTRY = Buffer.alloc(3 * 1024, 7);

/** Commits per second with so many proposals in flight, spread over all groups. */
export async function commitsPerSecond(rig: Rig, inFlight: number, ms: number): Promise<number> {
  const untilMs = performance.now() + ms;
  let count = 0;
  const propose = async (at: number): Promise<void> => {
    const group = rig.groups[at % rig.groups.length] as number;
    while (performance.now() < untilMs) {
      const leader = rig.leaderOf(group);
      if (leader === undefined) throw new Error(`group ${group} has no leader`);
      await leader.host.propose(group, ENTRY).promise;
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, at) => propose(at)));
  return (count / ms) * 1000;
}

export interface Latency {
  readonly putMs: number;
  readonly commitMs: number;
  readonly ratio: number;
}

/**
 * One commit at a time against one synced put of the same bytes into a store of the same kind on the same disk, in turn,
 * so that both see the same machine. Medians.
 */
export async function latency(nodes: number, rounds: number): Promise<Latency> {
  const rig = await Rig.start({ nodes, groups: 1 });
  const plain = await openRocksKv({
    path: `${rig.directory}/plain`,
    profile: 'log',
    cacheBytes: 8 << 20,
    writeBufferBytes: 16 << 20,
    compression: false,
  });
  const puts: number[] = [];
  const commits: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      puts.push(await timed(() => plain.write(new WriteBatch().put(keyOf(round), ENTRY), { sync: true })));
      const leader = rig.leaderOf(0);
      if (leader === undefined) throw new Error('no leader');
      commits.push(await timed(() => leader.host.propose(0, ENTRY).promise));
    }
  } finally {
    await plain.close();
    await rig.close();
  }
  const [putMs, commitMs] = [median(puts), median(commits)];
  return { putMs, commitMs, ratio: commitMs / putMs };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function keyOf(round: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(round, 4);
  return key;
}
