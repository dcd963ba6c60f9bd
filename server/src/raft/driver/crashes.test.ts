import { seededRandom } from '../../base/index.ts';
import { type MemoryKv } from '../../storage/index.ts';
import { TestCluster } from '../testing/test-cluster.ts';

const ROUNDS = 60;

/** Writes, reads, crashes that lose what was not synced, restarts and lost messages, in an order drawn from `seed`. */
async function storm(
  seed: number,
): Promise<{ acknowledged: Set<string>; cluster: TestCluster; reads: number }> {
  const random = seededRandom(seed);
  const cluster = new TestCluster({ nodes: 3, groups: [0, 1], seed, tailBytesMax: 2000 });
  await cluster.startAll();
  const disks = new Map<string, MemoryKv>();
  const acknowledged = new Set<string>();
  let reads = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const group = random.int(2);
    for (let at = 0; at < random.int(6); at += 1) {
      const text = `${group}/${round}/${at}`;
      const node = cluster.leader(group) ?? [...cluster.nodes.values()][random.int(cluster.nodes.size)];
      node?.host.propose(group, Buffer.from(text)).promise.then(
        () => acknowledged.add(text),
        () => undefined,
      );
    }
    const reader = [...cluster.nodes.values()][random.int(cluster.nodes.size)];
    if (reader !== undefined) {
      const before = [...acknowledged].filter((text) => text.startsWith(`${group}/`));
      reader.host
        .readBarrier(group)
        .then(
          () => {
            reads += 1;
            const seen = new Set(reader.machine.texts(group));
            for (const text of before) if (!seen.has(text)) throw new Error(`stale read: ${text} is missing`);
          },
          () => undefined,
        )
        .catch((error: unknown) => stale.push(error));
    }
    const dice = random.int(10);
    const ids = [...cluster.nodes.keys()];
    const victim = ids[random.int(ids.length)];
    if (dice < 2 && victim !== undefined)
      disks.set(victim, cluster.crash(victim, { keptBatches: random.int(3) }));
    else if (dice < 6) {
      for (const [id, disk] of disks) await cluster.start(id, disk);
      disks.clear();
    } else if (dice === 6) cluster.network.filter = () => random.next() > 0.3;
    else if (dice === 7 && victim !== undefined) cluster.network.isolate(victim);
    else cluster.network.heal();
    await cluster.ticks(random.int(12));
  }
  cluster.network.heal();
  for (const [id, disk] of disks) await cluster.start(id, disk);
  return { acknowledged, cluster, reads };
}

const stale: unknown[] = [];

describe('crashes that lose what was not synced, and a network that loses messages', () => {
  test.each(Array.from({ length: 12 }, (_, at) => at + 1))(
    'never lose an acknowledged write, and reads are never stale (seed %i)',
    async (seed) => {
      stale.length = 0;
      const { acknowledged, cluster, reads } = await storm(seed);
      for (const group of [0, 1]) await cluster.write(`${group}/last`, group);
      const nodes = [...cluster.nodes.values()];
      const texts = (group: number): string[] => nodes.map(({ machine }) => machine.texts(group).join());
      await cluster.until(
        () => [0, 1].every((group) => new Set(texts(group)).size === 1),
        'equal state on all replicas',
      );
      const everything = [0, 1].flatMap((group) => nodes[0]!.machine.texts(group));
      expect(new Set(everything).size).toBe(everything.length);
      for (const text of acknowledged) expect(everything).toContain(text);
      expect(stale).toEqual([]);
      expect(nodes.flatMap(({ fatal }) => fatal)).toEqual([]);
      expect(acknowledged.size).toBeGreaterThan(5);
      expect(reads).toBeGreaterThan(5);
    },
  );
});
