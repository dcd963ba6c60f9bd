import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../../server/src/base/index.ts';
import { call } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 8;
const POINTS = 10_000;
const CALL_POINTS = 2_000;
const ROUNDS = 60;
/** Until the buffers and files of the store have their usual sizes. */
const FIRST_ROUNDS = 20;
/** Of each point, which no compression makes smaller: a round writes some megabytes. */
const FILL_BYTES = 180;
const SMALL = {
  'raft.log_compaction_threshold': 100,
  'raft.snapshot_interval': 50,
  'storage.write_buffer_size_mb': 16,
  'sharding.shard_count': 4,
  'sharding.replica_count': 1,
};

jest.setTimeout(300_000);

test('the Raft log stays bounded under endless overwriting of the same 10,000 points', async () => {
  await withCluster({ nodeCount: 1, dimension: DIMENSION, set: SMALL }, async (cluster) => {
    await cluster.startAll();
    await cluster.allReady();
    const sizes: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await overwrite(cluster, round);
      sizes.push(await logBytes(cluster));
    }
    // Not the largest: while the store merges files it has both the old and the new ones.
    const [first, second] = [medianOf(sizes.slice(FIRST_ROUNDS, 40)), medianOf(sizes.slice(40))];
    expect(second).toBeLessThan(1.25 * first);
    const written = ROUNDS * POINTS * FILL_BYTES;
    expect(Math.max(...sizes)).toBeLessThan(written);
  });
});

async function overwrite(cluster: LocalCluster, round: number): Promise<void> {
  for (let from = 0; from < POINTS; from += CALL_POINTS) {
    const points = Array.from({ length: CALL_POINTS }, (_, at) => ({
      id: from + at,
      vector: vectorOf(from + at, DIMENSION),
      payload: { round, fill: randomBytes(FILL_BYTES).toString('base64') },
    }));
    const reply = await call(cluster.url('node-1'), 'POST', '/vectors', { points });
    if (reply.status !== 200) throw new Error(`status ${reply.status}`);
  }
}

function medianOf(values: readonly number[]): number {
  return present([...values].sort((a, b) => a - b)[values.length >> 1], 'a value');
}

/** Bytes of `raft/`; a file may go between listing and looking. */
async function logBytes(cluster: LocalCluster): Promise<number> {
  const directory = join(cluster.node('node-1').directory, 'data', 'raft');
  const names = await readdir(directory);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
