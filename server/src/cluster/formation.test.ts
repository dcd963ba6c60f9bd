import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RAFT_DIRECTORY } from '../storage/index.ts';
import {
  type DiskStep,
  FormationBench,
  guideStyle,
  optionsOf,
  peer,
  SETTINGS,
  sharedStyle,
} from './testing/formation-bench.ts';
import type { ClusterOptions } from './types.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
const STYLES = [
  { style: 'guide', files: guideStyle(NODES) },
  { style: 'shared', files: sharedStyle(NODES) },
  // The file that lists is not the one of the smallest node id.
  { style: 'last lists', files: guideStyle(['node-3', 'node-1', 'node-2']) },
];
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

jest.setTimeout(30_000);

let bench: FormationBench;

beforeEach(async () => {
  bench = await FormationBench.create();
});

afterEach(async () => {
  await bench.close();
});

const formed = (nodeIds: readonly string[]) => (): boolean =>
  nodeIds.every((nodeId) => bench.standing(nodeId) === 'member');

function clusterIds(nodeIds: readonly string[]): Set<string | undefined> {
  return new Set(nodeIds.map((nodeId) => bench.clusterId(nodeId)));
}

async function startAll(files: readonly ClusterOptions[]): Promise<void> {
  for (const options of files) await bench.start(options);
}

async function stopAll(files: readonly ClusterOptions[]): Promise<void> {
  for (const { nodeId } of files) await bench.stop(nodeId);
}

describe.each(STYLES)('with files of the $style style', ({ files }) => {
  test.each(ORDERS)('a cluster forms once all founders are there, started %i %i %i', async (...order) => {
    for (const [count, position] of order.entries()) {
      if (count > 0) {
        await bench.settle();
        const started = order.slice(0, count).map((other) => files[other]!.nodeId);
        expect(started.map((nodeId) => bench.standing(nodeId))).toEqual(started.map(() => 'blank'));
      }
      await bench.start(files[position]!);
    }
    await bench.until(formed(NODES));
    expect(clusterIds(NODES).size).toBe(1);
  });

  test('a formed cluster starts again with what it has, also when one founder is away', async () => {
    await startAll(files);
    await bench.until(formed(NODES));
    const id = bench.clusterId('node-1');
    await stopAll(files);
    for (const options of files.slice(1)) await bench.start(options);
    expect(clusterIds(files.slice(1).map(({ nodeId }) => nodeId))).toEqual(new Set([id]));
  });

  const steps: DiskStep[] = ['before the record', 'after the record', 'after the adoption'];
  const crashes = NODES.flatMap((victim) => steps.map((crashAt) => ({ victim, crashAt })));
  test.each(crashes)('a crash of $victim $crashAt is finished by a restart', async ({ victim, crashAt }) => {
    for (const options of files) {
      await bench.start(options, options.nodeId === victim ? { crashAt } : {});
    }
    await bench.until(() => bench.node(victim).fatal.length > 0);
    await bench.stop(victim);
    await bench.settle();
    await bench.start(files.find(({ nodeId }) => nodeId === victim)!);
    await bench.until(formed(NODES));
    expect(clusterIds(NODES).size).toBe(1);
    // The directory says the same as the record, also when the crash came between the two.
    expect(bench.node(victim).directory.identity).toMatchObject({
      clusterId: bench.clusterId('node-1'),
      nodeId: victim,
    });
  });

  test('a founder that lost its disk never forms again beside a stopped one, and says why it waits', async () => {
    for (const victim of NODES) {
      const others = NODES.filter((nodeId) => nodeId !== victim);
      await startAll(files);
      await bench.until(formed(NODES));
      const id = bench.clusterId('node-1');
      await stopAll(files);
      await bench.wipe(victim);
      // Only one of the others is there: with a wiped vote they would be a majority.
      await bench.start(files.find(({ nodeId }) => nodeId === victim)!);
      await bench.start(files.find(({ nodeId }) => nodeId === others[0])!);
      await bench.until(() => bench.standing(victim) === 'wiped');
      expect(bench.reason(victim)).toContain(id!);
      await bench.start(files.find(({ nodeId }) => nodeId === others[1])!);
      await bench.settle();
      expect(clusterIds(others)).toEqual(new Set([id]));
      expect(bench.standing(victim)).toBe('wiped');
      await stopAll(files);
      for (const nodeId of NODES) await bench.wipe(nodeId);
    }
  });
});

test('two founders that lost their disks do not form a cluster while the third is stopped', async () => {
  const files = sharedStyle(NODES);
  await startAll(files);
  await bench.until(formed(NODES));
  await stopAll(files);
  await bench.wipe('node-1');
  await bench.wipe('node-2');
  await bench.start(files[0]!);
  await bench.start(files[1]!);
  await bench.settle();
  expect([bench.standing('node-1'), bench.standing('node-2')]).toEqual(['blank', 'blank']);
  await bench.start(files[2]!);
  await bench.until(() => bench.standing('node-1') === 'wiped' && bench.standing('node-2') === 'wiped');
});

test('two halves of the founders never form two clusters', async () => {
  const nodeIds = ['node-1', 'node-2', 'node-3', 'node-4'];
  const files = sharedStyle(nodeIds);
  await startAll(files.slice(0, 2));
  await bench.settle();
  for (const { nodeId } of files.slice(0, 2)) await bench.stop(nodeId);
  await startAll(files.slice(2));
  await bench.settle();
  expect(bench.reason('node-4')).toContain('node-1');
  await startAll(files.slice(0, 2));
  await bench.until(formed(nodeIds));
  expect(clusterIds(nodeIds).size).toBe(1);
});

test('founders whose lists differ form nothing and name both lists', async () => {
  const lists = [NODES, ['node-1', 'node-2'], NODES];
  for (const [position, nodeId] of NODES.entries()) {
    await bench.start(optionsOf(nodeId, { initialPeers: lists[position]!.map(peer) }));
  }
  await bench.settle();
  expect(clusterIds(NODES)).toEqual(new Set([undefined]));
  expect(bench.reason('node-1')).toContain(
    'initial_peers is node-1, node-2, node-3 here but node-1, node-2 at node-2',
  );
});

test('a waiting node is only founded by a node that its seeds name', async () => {
  const [first, second, third] = guideStyle(NODES);
  await startAll([first!, second!, { ...third!, seedNodes: [peer('node-9')] }]);
  await bench.settle();
  expect(bench.standing('node-3')).toBe('blank');
  expect(bench.reason('node-1')).toContain('node-3 names none of the founders in seed_nodes');
});

test('a node that is not among its initial peers stays outside of the cluster they form', async () => {
  const outsider = optionsOf('node-4', { initialPeers: NODES.map(peer) });
  await startAll([outsider, ...sharedStyle(NODES)]);
  await bench.until(formed(NODES));
  await bench.settle();
  expect(bench.standing('node-4')).toBe('blank');
});

test('a founder that belongs to another cluster stops the formation, which says so', async () => {
  await bench.start(optionsOf('node-2', { initialPeers: [peer('node-2')] }));
  await bench.until(formed(['node-2']));
  const other = bench.clusterId('node-2');
  await bench.stop('node-2');
  await startAll(sharedStyle(NODES));
  await bench.settle();
  expect(bench.standing('node-1')).toBe('blank');
  expect(bench.reason('node-1')).toContain(`node-2 cannot be founded: it is a member of ${other!}`);
});

test('a founder with data but without a record stops the formation, which says so', async () => {
  const [first, second, third] = sharedStyle(NODES);
  await bench.start(first!);
  await bench.start(second!, { holdsData: true });
  await bench.start(third!);
  await bench.settle();
  expect(bench.standing('node-2')).toBe('stopped');
  expect(bench.reason('node-1')).toContain('without a formation record');
});

test('founders that set one setting to different values refuse to go on and name both', async () => {
  const [first, second, third] = sharedStyle(NODES);
  const explicit = new Set(['sharding.shard_count']);
  await startAll([
    { ...first!, explicit },
    { ...second!, explicit, settings: { ...SETTINGS, shardCount: 8 } },
    third!,
  ]);
  await bench.until(() => bench.node('node-1').fatal.length > 0);
  expect(bench.node('node-1').fatal[0]).toMatchObject({
    name: 'StartRefusedError',
    message: expect.stringContaining('sharding.shard_count is 4 at node-1 but 8 at node-2') as string,
  });
  expect(clusterIds(NODES)).toEqual(new Set([undefined]));
});

test('what any founder sets becomes the setting of the cluster, defaults give way', async () => {
  const [first, second, third] = guideStyle(NODES);
  await startAll([
    { ...first!, settings: { ...SETTINGS, dimension: undefined } },
    { ...second!, explicit: new Set(['vector.dimension', 'index.m']), settings: { ...SETTINGS, m: 32 } },
    third!,
  ]);
  await bench.until(formed(NODES));
  const { standing } = bench.node('node-3').formation;
  expect(standing).toMatchObject({ record: { settings: { ...SETTINGS, m: 32 } } });
});

test('with cluster_id a blank directory never forms a cluster', async () => {
  await startAll(sharedStyle(NODES).map((options) => ({ ...options, clusterId: 'latched' })));
  await bench.settle();
  expect(clusterIds(NODES)).toEqual(new Set([undefined]));
});

test('with cluster_id the disk that a record names may still finish what a crash interrupted', async () => {
  const files = sharedStyle(NODES);
  await bench.start(files[0]!);
  await bench.start(files[1]!);
  await bench.start(files[2]!, { crashAt: 'before the record' });
  await bench.until(() => bench.node('node-3').fatal.length > 0);
  await bench.stop('node-3');
  const clusterId = bench.clusterId('node-1')!;
  await bench.start({ ...files[2]!, clusterId });
  await bench.until(formed(NODES));
  expect(bench.clusterId('node-3')).toBe(clusterId);
});

test('a directory of another cluster or another node is refused by name', async () => {
  await bench.start(optionsOf('node-1', { initialPeers: [peer('node-1')] }));
  await bench.until(formed(['node-1']));
  const id = bench.clusterId('node-1')!;
  await bench.stop('node-1');
  await expect(bench.start(optionsOf('node-1', { clusterId: 'another' }))).rejects.toThrow(
    `belongs to cluster ${id}, cluster_id is another`,
  );
  await expect(bench.start(optionsOf('node-2'), { of: 'node-1' })).rejects.toThrow(
    'is the directory of node node-1, this node is node-2',
  );
});

test('a damaged record is refused, not taken for a blank disk', async () => {
  await bench.start(optionsOf('node-1', { initialPeers: [peer('node-1')] }));
  await bench.until(formed(['node-1']));
  await bench.stop('node-1');
  await writeFile(join(bench.path('node-1'), 'formation'), 'not a record');
  await expect(bench.start(optionsOf('node-1', { initialPeers: [peer('node-1')] }))).rejects.toThrow();
});

test('a member whose Raft log is gone neither votes nor takes part in forming, and says so', async () => {
  const files = sharedStyle(NODES);
  await startAll(files);
  await bench.until(formed(NODES));
  await bench.stop('node-2');
  await rm(join(bench.path('node-2'), RAFT_DIRECTORY), { recursive: true });
  await bench.start(files[1]!);
  await bench.settle();
  expect(bench.standing('node-2')).toBe('amnesiac');
  expect(bench.reason('node-2')).toContain('the Raft log is gone');
});
