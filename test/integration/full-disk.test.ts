import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { differencesBetweenNodes } from '../chaos/final-state.ts';
import { call, errorCode, inParallel, upsert } from '../support/client.ts';
import { isLogged, type LocalCluster, untilLogged, withCluster } from '../support/cluster.ts';
import { mountRefusal, SmallDisk } from '../support/small-disk.ts';
import { vectorOf } from '../support/vectors.ts';
import { BackgroundWriter } from '../support/writer.ts';

const DIMENSION = 64;
const DISK_MB = 200;
/** Of the small disks; a start needs a quarter of the hard limit. */
const SOFT_MB = 80;
const HARD_MB = 60;
const BALLAST_MB = 8;
const OPTIONS = {
  nodeCount: 3,
  dimension: DIMENSION,
  set: {
    'storage.write_buffer_size_mb': 4,
    'storage.disk_soft_limit_mb': SOFT_MB,
    'storage.disk_hard_limit_mb': HARD_MB,
    'storage.disk_ballast_mb': BALLAST_MB,
  },
};

jest.setTimeout(240_000);

interface Run {
  readonly cluster: LocalCluster;
  readonly disks: readonly SmallDisk[];
  /** Writes through all nodes from the start to the end, unless the body stops it. */
  readonly writer: BackgroundWriter;
}

/** Runs `body` with a cluster in which the named nodes have small disks of their own. */
async function withSmallDisks(nodeIds: readonly string[], body: (run: Run) => Promise<void>): Promise<void> {
  await withCluster(OPTIONS, async (cluster) => {
    const disks: SmallDisk[] = [];
    try {
      for (const nodeId of nodeIds) {
        disks.push(await SmallDisk.mount(join(cluster.node(nodeId).directory, 'data'), DISK_MB));
      }
      await cluster.startAll();
      await cluster.allReady();
      const writer = writerOf(cluster);
      try {
        await untilWritten(cluster, writer, 100);
        await body({ cluster, disks, writer });
      } finally {
        await writer.stop();
      }
    } finally {
      await cluster.stopAll('SIGKILL');
      for (const disk of disks) disk.unmount();
    }
  });
}

interface Node {
  readonly node_id: string;
  readonly state: string;
  readonly disk: string;
  readonly shards_led: number;
}

async function nodeOf(cluster: LocalCluster, nodeId: string): Promise<Node | undefined> {
  const reply = await call(cluster.url('node-1'), 'GET', '/cluster/nodes').catch(() => undefined);
  return (reply?.body['nodes'] as Node[] | undefined)?.find(({ node_id }) => node_id === nodeId);
}

function untilNode(cluster: LocalCluster, nodeId: string, expected: Partial<Node>): Promise<void> {
  return cluster.until(`${nodeId} is ${JSON.stringify(expected)}`, 60_000, async () => {
    const node = await nodeOf(cluster, nodeId);
    return (
      node !== undefined &&
      Object.entries(expected).every(([key, value]) => node[key as keyof Node] === value)
    );
  });
}

async function metric(cluster: LocalCluster, nodeId: string, name: string): Promise<number> {
  const reply = await call(cluster.url(nodeId), 'GET', '/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(String(reply.body['text']))?.[1]);
}

function writerOf(cluster: LocalCluster): BackgroundWriter {
  return new BackgroundWriter({
    urls: () =>
      cluster.nodes
        .filter(({ nodeId }) => cluster.isRunning(nodeId))
        .map(({ nodeId }) => cluster.url(nodeId)),
    dimension: DIMENSION,
    firstId: 0,
  });
}

function untilWritten(cluster: LocalCluster, writer: BackgroundWriter, more: number): Promise<void> {
  const wanted = writer.acknowledged.length + more;
  return cluster.until(`${wanted} writes are acknowledged`, 60_000, () =>
    Promise.resolve(writer.acknowledged.length >= wanted),
  );
}

/** Nothing acknowledged is lost, and the replicas of all nodes are equal. */
async function expectWhole(cluster: LocalCluster, acknowledged: readonly number[]): Promise<void> {
  expect(await differencesBetweenNodes(cluster)).toEqual([]);
  await inParallel(acknowledged.length, 8, async (at) => {
    const id = acknowledged[at]!;
    expect(await call(cluster.url('node-1'), 'GET', `/vectors/${id}`)).toMatchObject({
      status: 200,
      body: { id },
    });
  });
}

const refusal = mountRefusal();
// Only where nothing can be mounted is there no small disk to fill.
const testOnDisks = refusal === undefined ? test : test.skip;
if (refusal !== undefined)
  process.stderr.write(`no file system can be mounted here, full disks are not tested: ${refusal}\n`);

testOnDisks(
  'a node whose disk fills up steps aside, stops appending, and comes back by itself; the cluster goes on',
  async () => {
    await withSmallDisks(['node-3'], async ({ cluster, disks: [disk], writer }) => {
      const ballast = join(disk!.path, 'ballast');
      await cluster.until('the ballast is there', 30_000, () => Promise.resolve(existsSync(ballast)));
      expect(await metric(cluster, 'node-3', 'grape_disk_soft_limit_bytes')).toBe(SOFT_MB * 2 ** 20);

      await disk!.fillTo((SOFT_MB + HARD_MB) / 2);
      await untilNode(cluster, 'node-3', { disk: 'low', shards_led: 0 });
      expect((await call(cluster.url('node-3'), 'GET', '/health')).body).toMatchObject({
        status: 'degraded',
        reason: expect.stringContaining('almost full') as unknown,
      });
      await untilWritten(cluster, writer, 50);

      await disk!.fillTo(HARD_MB / 2);
      await untilNode(cluster, 'node-3', { disk: 'full' });
      expect(existsSync(ballast)).toBe(false);
      expect(await metric(cluster, 'node-3', 'grape_disk_state')).toBe(2);
      await untilWritten(cluster, writer, 100);
      const id = writer.acknowledged.at(-1);
      expect(await call(cluster.url('node-3'), 'GET', `/vectors/${id}`)).toMatchObject({
        status: 200,
        body: { id },
      });

      await disk!.makeRoom();
      await untilNode(cluster, 'node-3', { disk: 'ok', state: 'healthy' });
      await cluster.until('the ballast is back', 30_000, () => Promise.resolve(existsSync(ballast)));
      await writer.stop();
      // Nobody was refused for the disk of one node; a change of leader may have cut a connection.
      expect([...writer.refused.keys()].filter((code) => code === 'STORAGE_FULL')).toEqual([]);
      await expectWhole(cluster, writer.acknowledged);
    });
  },
);

testOnDisks(
  'a node without a byte left says at its start that it waits for room, and loses nothing',
  async () => {
    await withSmallDisks(['node-3'], async ({ cluster, disks: [disk], writer }) => {
      const former = cluster.pid('node-3');
      await disk!.fillTo(0);
      const beginsAgain = (): Promise<boolean> => isLogged(cluster, 'node-3', /the process begins again/);
      await cluster.until('node-3 begins again, ends, or appends nothing', 60_000, async () => {
        if (!cluster.isRunning('node-3') || (await beginsAgain())) return true;
        return (await nodeOf(cluster, 'node-3'))?.disk === 'full';
      });
      // The second in which its disk is looked at decides which.
      const isSame = await beginsAgain();
      if (!isSame && cluster.isRunning('node-3')) await cluster.stop('node-3', 'SIGKILL');
      await disk!.fillTo(0);
      await untilWritten(cluster, writer, 50);

      if (!isSame) await cluster.start('node-3');
      await untilLogged(cluster, 'node-3', /the disk has no room for a start/);
      expect(cluster.isRunning('node-3')).toBe(true);
      expect(cluster.pid('node-3') === former).toBe(isSame);
      const url = cluster.url('node-3');
      expect((await call(url, 'GET', '/livez')).status).toBe(200);
      for (const path of ['/readyz', '/vectors/1']) {
        const reply = await call(url, 'GET', path);
        expect([reply.status, errorCode(reply)]).toEqual([503, 'STORAGE_FULL']);
      }
      expect(await call(url, 'GET', '/health')).toMatchObject({
        status: 503,
        body: { status: 'unavailable', reason: expect.stringContaining('no room for a start') as unknown },
      });
      await disk!.makeRoom();
      await cluster.whenReady('node-3');
      await untilNode(cluster, 'node-3', { disk: 'ok', state: 'healthy' });
      await writer.stop();
      await expectWhole(cluster, writer.acknowledged);
    });
  },
);

testOnDisks(
  'with a majority without room writes are refused clearly and reads go on; room brings them back',
  async () => {
    await withSmallDisks(['node-2', 'node-3'], async ({ cluster, disks, writer }) => {
      const write = (id: number) => upsert(cluster.url('node-1'), { id, vector: vectorOf(id, DIMENSION) });
      // Of every shard: their leaders hear of the disks of others one after another.
      const refused = async (): Promise<boolean> => {
        const replies = await Promise.all(Array.from({ length: 64 }, (_, at) => write(1_000_000 + at)));
        return replies.every((reply) => errorCode(reply) === 'STORAGE_FULL');
      };
      const [kept, removed] = writer.acknowledged as [number, number];

      for (const disk of disks) await disk.fillTo((SOFT_MB + HARD_MB) / 2);
      await cluster.until('writes are refused', 30_000, refused);
      await writer.stop();
      expect(await write(1_000_001)).toMatchObject({ status: 503, body: { error: { retryable: true } } });
      expect(await call(cluster.url('node-1'), 'DELETE', `/vectors/${removed}`)).toMatchObject({
        status: 200,
      });

      for (const disk of disks) await disk.fillTo(HARD_MB / 2);
      for (const nodeId of ['node-2', 'node-3']) await untilNode(cluster, nodeId, { disk: 'full' });
      await cluster.until('deletions are refused', 30_000, async () => {
        return errorCode(await call(cluster.url('node-1'), 'DELETE', `/vectors/${kept}`)) === 'STORAGE_FULL';
      });
      for (const nodeId of ['node-1', 'node-2', 'node-3']) {
        expect(await call(cluster.url(nodeId), 'GET', `/vectors/${kept}`)).toMatchObject({ status: 200 });
      }

      for (const disk of disks) await disk.makeRoom();
      await cluster.until('writes go on', 60_000, async () => (await write(2_000_000)).status === 200);
      await expectWhole(
        cluster,
        writer.acknowledged.filter((id) => id !== removed),
      );
    });
  },
);
