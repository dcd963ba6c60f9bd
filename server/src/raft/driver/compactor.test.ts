import type { KvStore } from '../../storage/index.ts';
import { entryKey } from '../log/keys.ts';
import { TestCluster } from '../testing/test-cluster.ts';

async function storedEntries(kv: KvStore): Promise<number> {
  let count = 0;
  for await (const rows of kv.iterate({ gte: entryKey(0, 1), lt: entryKey(1, 0) })) count += rows.length;
  return count;
}

async function single(threshold: number): Promise<TestCluster> {
  const cluster = new TestCluster({ nodes: 1, logCompactionThreshold: threshold });
  await cluster.startAll();
  await cluster.electLeader();
  return cluster;
}

describe('compaction', () => {
  test('keeps as many applied entries as configured, of what is durable', async () => {
    const cluster = await single(8);
    const { host, machine, kv } = cluster.node('node-1');
    machine.durable = () => 1000;
    for (let at = 0; at < 40; at += 1) await cluster.write(`command ${at}`);
    await cluster.ticks(3);
    expect(host.status(0).raft.applied).toBe(41);
    expect(await storedEntries(kv)).toBe(8);
    expect(machine.texts(0)).toHaveLength(40);
    const left = cluster.crash('node-1', { keptBatches: 1000 });
    const again = await cluster.start('node-1', left, { applied: 41 });
    await cluster.write('after the restart');
    expect(again.machine.texts(0)).toEqual(['after the restart']);
  });

  test('forgets nothing that is not durable, and asks for a flush', async () => {
    const cluster = await single(8);
    const { machine, kv } = cluster.node('node-1');
    machine.durable = () => 5;
    for (let at = 0; at < 40; at += 1) await cluster.write(`command ${at}`);
    await cluster.ticks(3);
    expect(await storedEntries(kv)).toBe(36);
    expect(machine.flushes).toBeGreaterThan(0);
  });

  test('a large log forgets more than the threshold asks', async () => {
    const cluster = await single(10_000);
    const { machine, host, kv } = cluster.node('node-1');
    machine.durable = () => 1000;
    const command = Buffer.alloc(4 * 2 ** 20);
    for (let at = 0; at < 17; at += 1) await cluster.settle(host.propose(0, command).promise);
    await cluster.ticks(3);
    // 32 MiB hold seven of them, with what comes on top of each.
    expect(await storedEntries(kv)).toBe(7);
  });

  test('a replica whose state ends before its log begins is damaged', async () => {
    const cluster = await single(8);
    const { machine } = cluster.node('node-1');
    machine.durable = () => 1000;
    for (let at = 0; at < 40; at += 1) await cluster.write(`command ${at}`);
    await cluster.ticks(3);
    const left = cluster.crash('node-1', { keptBatches: 1000 });
    const { host } = await cluster.start('node-1', left, { applied: 10 });
    expect(host.status(0).damage).toBe('10 entries are applied, but the log begins behind 33');
  });
});
