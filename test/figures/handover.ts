import { NotLeaderError } from '../../server/src/base/index.ts';
import { Rig, type RigNode, turn } from './rig.ts';

/** A request that nobody has taken for so long is a refused one. */
const PATIENCE_MS = 5_000;
const COMMAND = Buffer.alloc(256, 1);

/** Times in ms from the end of a leader to the moment when another node leads its group, over so many kills. */
export async function failovers(kills: number): Promise<number[]> {
  const rig = await Rig.start({ nodes: 3, groups: 17 });
  const times: number[] = [];
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      await rig.allLed();
      for (const group of rig.groups) await rig.leaderOf(group)?.host.propose(group, COMMAND).promise;
      const victim = mostLeading(rig);
      const lost = rig.groups.filter((group) => rig.leaderOf(group) === victim);
      const startMs = performance.now();
      const closed = victim.close();
      const waiting = new Set(lost);
      while (waiting.size > 0) {
        for (const group of waiting) {
          if (rig.leaderOf(group) === undefined) continue;
          waiting.delete(group);
          times.push(performance.now() - startMs);
        }
        await turn();
      }
      await closed;
      await rig.reopen(victim.id);
      await whenFollowing(rig, victim.id);
    }
  } finally {
    await rig.close();
  }
  return times;
}

export interface Transfers {
  readonly transfers: number;
  readonly requests: number;
  readonly refused: number;
}

/** Hands leadership over while requests go on; they follow the leader as the nodes of a cluster do for their clients. */
export async function gracefulTransfers(count: number): Promise<Transfers> {
  const rig = await Rig.start({ nodes: 3, groups: 1 });
  let requests = 0;
  let refused = 0;
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) {
      requests += 1;
      if (!(await isDone(rig))) refused += 1;
    }
  };
  const clients = Array.from({ length: 16 }, client);
  let transfers = 0;
  try {
    for (; transfers < count; transfers += 1) {
      await rig.allLed();
      const leader = rig.leaderOf(0) as RigNode;
      const to = [...rig.nodes.keys()].filter((id) => id !== leader.id)[transfers % 2] as string;
      leader.host.transferLeader(0, to);
      for (let waited = 0; rig.leaderOf(0)?.id !== to && waited < 1_000; waited += 2) await turn();
      await turn(20);
    }
  } finally {
    isOver = true;
    await Promise.all(clients);
    await rig.close();
  }
  return { transfers, requests, refused };
}

/** Surely not proposed: asked of the next leader. Any other failure, and no leader for too long, is a refusal. */
async function isDone(rig: Rig): Promise<boolean> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (performance.now() < untilMs) {
    const leader = rig.leaderOf(0);
    if (leader === undefined) {
      await turn();
      continue;
    }
    try {
      await leader.host.propose(0, COMMAND).promise;
      return true;
    } catch (error) {
      if (!(error instanceof NotLeaderError)) return false;
      await turn();
    }
  }
  return false;
}

function mostLeading(rig: Rig): RigNode {
  const led = ({ id }: RigNode): number =>
    rig.groups.filter((group) => rig.leaderOf(group)?.id === id).length;
  return [...rig.nodes.values()].sort((a, b) => led(b) - led(a))[0] as RigNode;
}

/** A node that has just come back must be a voter without a gap before the next kill. */
async function whenFollowing(rig: Rig, id: string): Promise<void> {
  const { host } = rig.nodes.get(id) as RigNode;
  const isBehind = (group: number): boolean => {
    const leader = rig.leaderOf(group);
    return leader === undefined || host.status(group).raft.commit < leader.host.status(group).raft.commit;
  };
  while (rig.groups.some(isBehind)) await turn();
}
