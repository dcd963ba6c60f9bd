import { Abandonment } from '../../base/index.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';

/** Of 20 ticks of 10 ms a voter counts 17 at least; a lease lasts nine tenths of them. */
const LEASE_MS = 153;

async function withLeases(): Promise<{ cluster: TestCluster; leader: TestNode }> {
  const cluster = new TestCluster({ nodes: 3, leaseReads: true });
  await cluster.startAll();
  await cluster.write('before');
  const leader = await cluster.electLeader();
  await cluster.ticks(10);
  return { cluster, leader };
}

const sentBy = (cluster: TestCluster, node: TestNode): number =>
  cluster.network.log.filter(({ from }) => from === node.id).length;

/** Whether a read is answered without time passing. */
async function isLeased(cluster: TestCluster, node: TestNode): Promise<boolean> {
  const abandonment = new Abandonment();
  let isAnswered = false;
  const read = node.host.readBarrier(0, abandonment).then(
    () => {
      isAnswered = true;
    },
    () => undefined,
  );
  await cluster.turns(6);
  abandonment.abandon();
  await read;
  return isAnswered;
}

describe('a leader with leases', () => {
  test('answers reads without a message', async () => {
    const { cluster, leader } = await withLeases();
    const before = sentBy(cluster, leader);
    for (let read = 0; read < 10; read += 1) await leader.host.readBarrier(0);
    expect(sentBy(cluster, leader)).toBe(before);
  });

  test('that is cut off reads until its lease ends, and nobody else leads before', async () => {
    const { cluster, leader } = await withLeases();
    cluster.network.isolate(leader.id);
    const cutAtMs = cluster.clock.nowMs();
    const others = cluster.followers();
    const isReplaced = (): boolean => others.some(({ host }) => host.status(0).isLeader);
    let leasedMs = 0;
    await cluster.until(() => {
      leasedMs = cluster.clock.nowMs() - cutAtMs;
      return leasedMs >= 50;
    }, 'a while');
    expect(await isLeased(cluster, leader)).toBe(true);
    while (!isReplaced()) {
      await cluster.ticks(1);
      if (await isLeased(cluster, leader)) leasedMs = cluster.clock.nowMs() - cutAtMs;
    }
    expect(leasedMs).toBeLessThanOrEqual(LEASE_MS);
    expect(cluster.clock.nowMs() - cutAtMs).toBeGreaterThan(LEASE_MS);
    expect(await isLeased(cluster, leader)).toBe(false);
  });

  test('whose machine was suspended asks a quorum again', async () => {
    const { cluster, leader } = await withLeases();
    cluster.network.isolate(leader.id);
    expect(await isLeased(cluster, leader)).toBe(true);
    cluster.clock.suspend(LEASE_MS);
    expect(await isLeased(cluster, leader)).toBe(false);
  });

  test('that hands over reads by rounds from then on', async () => {
    const { cluster, leader } = await withLeases();
    const [target, other] = cluster.followers();
    cluster.network.filter = (_from, to, { message }) =>
      !(to === target!.id && message.type === 'timeoutNow');
    leader.host.transferLeader(0, target!.id);
    await cluster.ticks(60);
    expect(leader.host.status(0).isLeader).toBe(true);
    cluster.network.filter = (_from, _to, { message }) => message.type !== 'heartbeatResponse';
    expect(await isLeased(cluster, leader)).toBe(false);
    expect(other!.host.status(0).leaderNode).toBe(leader.id);
  });

  test('answers the reads of followers by its lease too', async () => {
    const cluster = new TestCluster({ nodes: 5, leaseReads: true });
    await cluster.startAll();
    await cluster.write('before');
    const leader = await cluster.electLeader();
    await cluster.ticks(10);
    const [follower] = cluster.followers();
    // A round would need the answers of two.
    cluster.network.filter = (_from, _to, { message }) => message.type !== 'heartbeatResponse';
    await cluster.turns(4);
    const before = sentBy(cluster, leader);
    expect(await isLeased(cluster, follower!)).toBe(true);
    expect(sentBy(cluster, leader)).toBe(before + 1);
  });
});

test('a voter that restarts keeps the promise that it does not remember, whenever another one asks', async () => {
  for (let waited = 0; waited <= 40; waited += 2) {
    const { cluster, leader } = await withLeases();
    const [asker, voter] = cluster.followers();
    const pairs = new Set([leader.id, asker!.id]);
    cluster.network.filter = (from, to) => !(pairs.has(from) && pairs.has(to));
    // It hears no leader and asks from time to time; the other one, who does, refuses.
    await cluster.ticks(45 + waited);
    cluster.network.isolate(leader.id);
    await cluster.start(voter!.id, cluster.crash(voter!.id));
    while (!asker!.host.status(0).isLeader && !cluster.node(voter!.id).host.status(0).isLeader) {
      await cluster.ticks(1);
    }
    expect([waited, await isLeased(cluster, leader)]).toEqual([waited, false]);
  }
});
