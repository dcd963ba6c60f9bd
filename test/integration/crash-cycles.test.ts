import { seededRandom } from '../../server/src/base/index.ts';
import { call, count } from '../support/client.ts';
import { withCluster } from '../support/cluster.ts';
import { BackgroundWriter } from '../support/writer.ts';

const DIMENSION = 32;
const CYCLES = Number(process.env['GRAPE_CRASH_CYCLES'] ?? 100);

jest.setTimeout(600_000);

test(`${CYCLES} start-stop cycles with random kill points leave a readable directory with every acknowledged write`, async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin) % 100_000);
  const random = seededRandom(seed);
  process.stderr.write(`crash cycles: SEED=${seed}\n`);
  const set = {
    'sharding.shard_count': 4,
    'raft.election_timeout_ms': 200,
    'raft.heartbeat_interval_ms': 50,
  };
  await withCluster({ nodeCount: 1, dimension: DIMENSION, set }, async (cluster) => {
    const url = cluster.url('node-1');
    const acknowledged: number[] = [];
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      await cluster.start('node-1');
      // A third dies while starting, the others while writing; one in ten of those is asked to stop.
      if (random.next() < 0.33) {
        await pause(random.int(400));
        await cluster.stop('node-1', 'SIGKILL');
        continue;
      }
      await cluster.whenReady('node-1');
      const writer = new BackgroundWriter({
        urls: () => [url],
        dimension: DIMENSION,
        firstId: cycle * 100_000,
      });
      await pause(random.int(200));
      await cluster.stop('node-1', random.next() < 0.1 ? 'SIGTERM' : 'SIGKILL');
      await writer.stop();
      acknowledged.push(...writer.acknowledged);
    }
    await cluster.start('node-1');
    await cluster.whenReady('node-1');
    expect(await count(url)).toBeGreaterThanOrEqual(acknowledged.length);
    const missing: number[] = [];
    for (const id of acknowledged) {
      if ((await call(url, 'GET', `/vectors/${id}`)).status !== 200) missing.push(id);
    }
    expect({ seed, missing }).toEqual({ seed, missing: [] });
    expect(acknowledged.length).toBeGreaterThan(CYCLES);
  });
});

/** The random moment of the kill is the point of the test; nothing is assumed to have happened by then. */
function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs));
}
