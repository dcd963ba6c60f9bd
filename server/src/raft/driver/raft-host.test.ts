import { Abandonment, NotLeaderError } from '../../base/index.ts';
import { MemoryKv } from '../../storage/index.ts';
import { encodeConfChange } from '../core/index.ts';
import { LogStore } from '../log/log-store.ts';
import { GatedKv } from '../testing/gated-kv.ts';
import { TestCluster, type TestNode } from '../testing/test-cluster.ts';

const error = (code: string): unknown => expect.objectContaining({ code });

/** The answer as a value, so that a rejection before somebody looks is not unhandled. */
function outcome<T>(promise: Promise<T>): Promise<T | Error> {
  return promise.catch((thrown: unknown) => thrown as Error);
}

async function threeNodes(): Promise<TestCluster> {
  const cluster = new TestCluster({ nodes: 3 });
  await cluster.startAll();
  return cluster;
}

describe('a group of three replicas', () => {
  test('elects a leader, and what is proposed there is applied everywhere', async () => {
    const cluster = await threeNodes();
    const leader = await cluster.electLeader();
    const { index, result } = await cluster.settle(leader.host.propose(0, Buffer.from('one')).promise);
    expect(result).toBe('one');
    expect(index).toBe(leader.host.status(0).raft.applied);
    await cluster.until(
      () => [...cluster.nodes.values()].every(({ machine }) => machine.texts(0).join() === 'one'),
      'the entry on all replicas',
    );
  });

  test('refuses a proposal on a follower and names the leader', async () => {
    const cluster = await threeNodes();
    const leader = await cluster.electLeader();
    await cluster.until(
      () => cluster.followers().every(({ host }) => host.status(0).leaderNode === leader.id),
      'all know it',
    );
    const proposal = cluster.followers()[0]!.host.propose(0, Buffer.from('x'));
    const refused = await cluster.settle(outcome(proposal.promise));
    expect(refused).toBeInstanceOf(NotLeaderError);
    expect((refused as NotLeaderError).leader).toBe(leader.id);
    expect(proposal.proposed).toBe(false);
  });

  test('answers proposals in order, with one call of the state machine for what was committed together', async () => {
    const cluster = await threeNodes();
    const leader = await cluster.electLeader();
    await cluster.write('first');
    const calls = leader.machine.calls.length;
    const texts = Array.from({ length: 50 }, (_, at) => `w${at}`);
    const promises = texts.map((text) => leader.host.propose(0, Buffer.from(text)).promise);
    const results = await cluster.settle(Promise.all(promises));
    expect(results.map(({ result }) => result)).toEqual(texts);
    const first = results[0]!.index;
    expect(results.map(({ index }) => index)).toEqual(texts.map((_, at) => first + at));
    expect(leader.machine.calls.length).toBe(calls + 1);
  });

  test('goes on without the leader, which catches up after its restart', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const old = await cluster.electLeader();
    const disk = cluster.crash(old.id);
    await cluster.write('meanwhile');
    const restarted = await cluster.start(old.id, disk);
    await cluster.until(() => restarted.machine.texts(0).length === 2, 'the restarted replica catching up');
    expect(restarted.machine.texts(0)).toEqual(['before', 'meanwhile']);
  });

  test('finds everything acknowledged after all nodes crashed at once', async () => {
    const cluster = await threeNodes();
    for (let at = 0; at < 20; at += 1) await cluster.write(`w${at}`);
    const disks = [...cluster.nodes.keys()].map((id) => ({ id, disk: cluster.crash(id) }));
    for (const { id, disk } of disks) await cluster.start(id, disk);
    await cluster.write('last');
    const leader = await cluster.electLeader();
    expect(leader.machine.texts(0)).toEqual([...Array.from({ length: 20 }, (_, at) => `w${at}`), 'last']);
  });

  test('serves a follower from the disk when memory no longer holds what it lacks', async () => {
    const cluster = new TestCluster({ nodes: 3, tailBytesMax: 1000 });
    await cluster.startAll();
    await cluster.write('first');
    const follower = cluster.followers()[0]!.id;
    const disk = cluster.crash(follower);
    const texts = Array.from({ length: 300 }, (_, at) => `write number ${at}`);
    for (let at = 0; at < texts.length; at += 50) {
      const leader = await cluster.electLeader();
      await cluster.settle(
        Promise.all(
          texts.slice(at, at + 50).map((text) => leader.host.propose(0, Buffer.from(text)).promise),
        ),
      );
    }
    const restarted = await cluster.start(follower, disk);
    await cluster.until(() => restarted.machine.texts(0).length === 301, 'the follower catching up');
    expect(restarted.machine.texts(0)).toEqual(['first', ...texts]);
  });

  test('a replica that restarts with little memory applies its own log from the disk', async () => {
    const cluster = new TestCluster({ nodes: 1, tailBytesMax: 1000 });
    await cluster.startAll();
    const texts = Array.from({ length: 100 }, (_, at) => `write number ${at}`);
    for (const text of texts) await cluster.write(text);
    const restarted = await cluster.start('node-1', cluster.crash('node-1', { keptBatches: 1000 }));
    await cluster.until(() => restarted.machine.texts(0).length === 100, 'the log being applied');
    expect(restarted.machine.texts(0)).toEqual(texts);
  });
});

describe('a proposal whose leader changes', () => {
  test('is refused for sure when another entry was committed in its place', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const old = await cluster.electLeader();
    cluster.network.isolate(old.id);
    const proposal = old.host.propose(0, Buffer.from('lost'));
    const answer = outcome(proposal.promise);
    await cluster.turns(5);
    expect(proposal.proposed).toBe(true);
    await cluster.until(() => cluster.leader() !== old && cluster.leader() !== undefined, 'another leader');
    await cluster.settle(cluster.leader()!.host.propose(0, Buffer.from('instead')).promise);
    cluster.network.heal();
    expect(await cluster.settle(answer)).toEqual(error('SHARD_UNAVAILABLE'));
    expect(old.machine.texts(0)).toEqual(['before', 'instead']);
  });

  test('keeps waiting and is answered when the next leader commits it', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const old = await cluster.electLeader();
    const heir = cluster.followers()[0]!;
    // The entry reaches one follower, whose acknowledgement is lost.
    cluster.network.filter = (from, to) => from === old.id && to === heir.id;
    const { lastIndex } = heir.host.status(0).raft;
    const answer = outcome(old.host.propose(0, Buffer.from('inherited')).promise);
    await cluster.until(() => heir.host.status(0).raft.lastIndex > lastIndex, 'the entry on one follower');
    cluster.network.isolate(old.id);
    await cluster.until(() => heir.host.status(0).isLeader, 'the follower leading');
    cluster.network.heal();
    expect(await cluster.settle(answer)).toMatchObject({ result: 'inherited' });
  });

  test('is of unknown outcome when the host stops', async () => {
    const cluster = await threeNodes();
    const leader = await cluster.electLeader();
    await cluster.write('before');
    cluster.network.isolate(leader.id);
    const proposed = leader.host.propose(0, Buffer.from('maybe'));
    const first = outcome(proposed.promise);
    await cluster.turns(5);
    const second = outcome(leader.host.propose(0, Buffer.from('no')).promise);
    await leader.host.stop();
    expect(await first).toEqual(error('WRITE_TIMEOUT'));
    expect(await second).toEqual(error('SHARD_UNAVAILABLE'));
  });

  test('can be taken back while it was not proposed, not later', async () => {
    const cluster = await threeNodes();
    const leader = await cluster.electLeader();
    const proposal = leader.host.propose(0, Buffer.from('never'));
    const answer = outcome(proposal.promise);
    expect(proposal.cancel()).toBe(true);
    expect(await cluster.settle(answer)).toEqual(error('SHARD_UNAVAILABLE'));
    await cluster.write('after');
    expect(leader.machine.texts(0)).toEqual(['after']);
    const other = leader.host.propose(0, Buffer.from('there'));
    await cluster.turns(1);
    expect(other.proposed).toBe(true);
    expect(other.cancel()).toBe(false);
    await cluster.settle(other.promise);
  });
});

describe('a read barrier', () => {
  test('on a follower waits until its replica has applied what was acknowledged before', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const follower = cluster.followers()[0]!;
    let open = (): void => undefined;
    follower.machine.gate = new Promise((resolve) => {
      open = resolve;
    });
    await cluster.write('acknowledged');
    let isRead = false;
    const barrier = follower.host.readBarrier(0).then((index) => {
      isRead = true;
      return index;
    });
    await cluster.ticks(10);
    expect(isRead).toBe(false);
    open();
    await cluster.settle(barrier);
    expect(follower.machine.texts(0)).toEqual(['before', 'acknowledged']);
  });

  test('of many reads of one turn is one round', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const leader = await cluster.electLeader();
    await cluster.turns(10);
    const before = cluster.network.log.length;
    await cluster.settle(Promise.all(Array.from({ length: 100 }, () => leader.host.readBarrier(0))));
    const heartbeats = cluster.network.log
      .slice(before)
      .filter(({ message }) => message.message.type === 'heartbeat' && message.message.readRound > 0);
    expect(heartbeats.length).toBe(2);
  });

  test('fails on a leader that was cut off', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const old = await cluster.electLeader();
    cluster.network.isolate(old.id);
    expect(await cluster.settle(outcome(old.host.readBarrier(0)))).toEqual(error('SHARD_UNAVAILABLE'));
  });

  test('ends when nobody waits for it', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const old = await cluster.electLeader();
    cluster.network.isolate(old.id);
    const abandonment = new Abandonment();
    const barrier = outcome(old.host.readBarrier(0, abandonment));
    await cluster.turns(3);
    abandonment.abandon();
    expect(await barrier).toEqual(expect.objectContaining({ message: 'nobody waits for the read any more' }));
  });
});

describe('the leader that a new group is meant to have', () => {
  test('is elected early, too, when the others start after its first campaign', async () => {
    const cluster = new TestCluster({ nodes: 3 });
    await cluster.start('node-2', new MemoryKv('log'), { campaignAtOnce: true });
    await cluster.ticks(3);
    for (const id of ['node-1', 'node-3']) await cluster.start(id);
    // An election timeout is 20 ticks, a heartbeat comes every 5.
    await cluster.ticks(10);
    expect(cluster.leader()?.id).toBe('node-2');
  });
});

describe('nothing leaves before what it promises is durable', () => {
  const sent = (cluster: TestCluster, node: TestNode, type: string): number =>
    cluster.network.log.filter(({ from, message }) => from === node.id && message.message.type === type)
      .length;

  test('a vote is granted after it is on disk', async () => {
    const cluster = new TestCluster({ nodes: 2 });
    const kv = new GatedKv(new MemoryKv('log'));
    const voter = await cluster.start('node-1', kv);
    await cluster.start('node-2', new MemoryKv('log'), { campaignAtOnce: true });
    cluster.network.filter = (_from, to, { message }) => {
      if (to === voter.id && message.type === 'vote') kv.hold();
      return true;
    };
    await cluster.until(() => kv.heldWrites > 0, 'the vote being written');
    await cluster.turns(20);
    expect(sent(cluster, voter, 'voteResponse')).toBe(0);
    kv.release();
    await cluster.until(() => sent(cluster, voter, 'voteResponse') > 0, 'the vote');
  });

  test('a candidate asks for votes after its own vote is on disk', async () => {
    const cluster = new TestCluster({ nodes: 2 });
    const kv = new GatedKv(new MemoryKv('log'));
    const candidate = await cluster.start('node-1', kv);
    await cluster.start('node-2');
    cluster.network.filter = (_from, _to, { message }) =>
      message.type !== 'preVoteResponse' || message.to === 1;
    await cluster.until(() => {
      kv.hold();
      const { term } = candidate.host.status(0).raft;
      if (term === 0) kv.release();
      return term > 0;
    }, 'a candidate');
    await cluster.turns(20);
    expect(sent(cluster, candidate, 'vote')).toBe(0);
    kv.release();
    await cluster.until(() => sent(cluster, candidate, 'vote') > 0, 'the request for votes');
  });

  test('an entry is acknowledged after it is on disk, and the leader does not count itself before', async () => {
    const cluster = new TestCluster({ nodes: 2 });
    const disks = new Map(['node-1', 'node-2'].map((id) => [id, new GatedKv(new MemoryKv('log'))]));
    for (const [id, disk] of disks) await cluster.start(id, disk);
    await cluster.write('before');
    const leader = await cluster.electLeader();
    const follower = cluster.followers()[0]!;
    for (const disk of disks.values()) disk.hold();
    const acks = sent(cluster, follower, 'appendResponse');
    const proposal = leader.host.propose(0, Buffer.from('held'));
    await cluster.until(
      () => [...disks.values()].every((disk) => disk.heldWrites === 1),
      'both disks writing',
    );
    await cluster.turns(20);
    expect(sent(cluster, follower, 'appendResponse')).toBe(acks);
    disks.get(follower.id)?.release();
    await cluster.until(() => sent(cluster, follower, 'appendResponse') > acks, 'the acknowledgement');
    await cluster.turns(20);
    expect(leader.machine.texts(0)).toEqual(['before']);
    disks.get(leader.id)?.release();
    await cluster.settle(proposal.promise);
  });
});

describe('group commit', () => {
  test('writes what arrives during one write with the next, for all groups together', async () => {
    const cluster = new TestCluster({ nodes: 1, groups: [0, 1, 2] });
    const kv = new GatedKv(new MemoryKv('log'));
    const { host } = await cluster.start('node-1', kv);
    for (const group of [0, 1, 2]) await cluster.write('first', group);
    await cluster.ticks(2);
    kv.hold();
    const before = kv.writes.length;
    const answers = [host.propose(0, Buffer.from('a')).promise];
    await cluster.until(() => kv.heldWrites === 1, 'a write under way');
    for (let at = 0; at < 30; at += 1) {
      answers.push(host.propose(at % 3, Buffer.from(`w${at}`)).promise);
      await cluster.turns(1);
    }
    expect(kv.heldWrites).toBe(1);
    kv.release();
    await cluster.settle(Promise.all(answers));
    expect(kv.writes.slice(before).filter(({ sync }) => sync).length).toBe(2);
  });

  test('leaves a commit index that moved alone to the next batch, or to the next tick', async () => {
    const cluster = new TestCluster({ nodes: 1 });
    const kv = new GatedKv(new MemoryKv('log'));
    const { host } = await cluster.start('node-1', kv);
    await cluster.write('first');
    await cluster.ticks(2);
    const before = kv.writes.length;
    for (let at = 0; at < 3; at += 1) {
      const { promise } = host.propose(0, Buffer.from(`w${at}`));
      await cluster.turns(10);
      await promise;
    }
    expect(kv.writes.slice(before).map(({ sync }) => sync)).toEqual([true, true, true]);
    await cluster.ticks(1);
    expect(kv.writes.slice(before).map(({ sync }) => sync)).toEqual([true, true, true, false]);
  });
});

describe('messages', () => {
  test('are only taken from the node that holds the replica they come from, for the own replica', async () => {
    const cluster = new TestCluster({ nodes: 3 });
    const { host } = await cluster.start('node-1');
    const append = { type: 'heartbeat', term: 5, commit: 0, readRound: 0 } as const;
    cluster.network.link('node-3').sendRaft('node-1', [
      { group: 0, message: { ...append, from: 2, to: 1 } },
      { group: 0, message: { ...append, from: 3, to: 2 } },
      { group: 9, message: { ...append, from: 3, to: 1 } },
    ]);
    await cluster.turns(10);
    expect(host.status(0).raft.term).toBe(0);
    cluster.network.link('node-3').sendRaft('node-1', [{ group: 0, message: { ...append, from: 3, to: 1 } }]);
    await cluster.turns(10);
    expect(host.status(0)).toMatchObject({ leaderNode: 'node-3', lastHeardLeaderMs: cluster.clock.nowMs() });
  });
});

describe('a host that cannot go on', () => {
  test('ends the process when a write fails, and sends nothing more', async () => {
    const cluster = new TestCluster({ nodes: 3 });
    const disks = new Map(['node-1', 'node-2', 'node-3'].map((id) => [id, new MemoryKv('log')]));
    for (const [id, disk] of disks) await cluster.start(id, disk);
    await cluster.write('before');
    const leader = await cluster.electLeader();
    disks.get(leader.id)?.failNextWrite();
    void outcome(leader.host.propose(0, Buffer.from('x')).promise);
    await cluster.until(() => leader.fatal.length > 0, 'the failure');
    await cluster.turns(5);
    const before = cluster.network.log.filter(({ from }) => from === leader.id).length;
    await cluster.ticks(20);
    expect(cluster.network.log.filter(({ from }) => from === leader.id).length).toBe(before);
    expect(leader.fatal.length).toBe(1);
  });

  test('ends the process when the state machine fails', async () => {
    const cluster = new TestCluster({ nodes: 1 });
    await cluster.startAll();
    await cluster.write('before');
    const { machine, host, fatal } = cluster.node('node-1');
    machine.gate = Promise.reject(new Error('broken'));
    void outcome(host.propose(0, Buffer.from('x')).promise);
    await cluster.until(() => fatal.length > 0, 'the failure');
    expect(fatal[0]?.message).toBe('broken');
  });
});

describe('a damaged log', () => {
  test('is not started: the replica says why, neither votes nor acknowledges', async () => {
    const cluster = await threeNodes();
    await cluster.write('one');
    const victim = cluster.followers()[0]!.id;
    const restarted = await cluster.start(victim, cluster.crash(victim), { applied: 1000 });
    expect(restarted.host.status(0).damage).toContain('the log ends at');
    expect(restarted.host.groups()).toEqual([0]);
    const before = cluster.network.log.length;
    await cluster.write('two');
    expect(cluster.network.log.slice(before).some(({ from }) => from === victim)).toBe(false);
    expect(await outcome(restarted.host.propose(0, Buffer.from('x')).promise)).toBeInstanceOf(NotLeaderError);
    expect(await outcome(restarted.host.readBarrier(0))).toEqual(error('SHARD_UNAVAILABLE'));
  });
});

describe('a configuration change', () => {
  const confState = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const persist = { token: 1, snapshot: undefined, mustSync: true, messagesAfter: [] };
  const data = encodeConfChange({
    transition: 'auto',
    steps: [{ type: 'addLearner', replica: 2 }],
    context: Buffer.alloc(0),
  });

  /** A disk whose log ends with a committed change. */
  async function diskWithChange(): Promise<MemoryKv> {
    const kv = new MemoryKv('log');
    const store = await LogStore.open(kv, { tailBytesMax: 1e6 });
    const log = store.create(0, { replicaId: 1, confState });
    const entries = [{ index: 1, term: 1, kind: 'confChange', data } as const];
    const hardState = { term: 1, vote: 1, commit: 1 };
    await store.write([{ log, persist: { ...persist, entries, hardState } }], { sync: true });
    return kv;
  }

  test('takes effect when it is applied, is stored, and is not applied to itself after a restart', async () => {
    const cluster = new TestCluster({ nodes: 1 });
    const node = await cluster.start('node-1', await diskWithChange());
    await cluster.write('after');
    expect(node.host.status(0).raft.confState.learners).toEqual([2]);
    await cluster.ticks(1);
    const again = await cluster.start('node-1', cluster.crash('node-1'));
    expect(again.host.status(0).raft.confState.learners).toEqual([2]);
    await cluster.write('again');
    expect(again.machine.texts(0)).toEqual(['after', 'again']);
  });
});

describe('learners of the first configuration', () => {
  test('receive and apply everything, and neither lead nor count', async () => {
    const cluster = new TestCluster({ nodes: 5 });
    const conf = { bootstrapVoters: [1, 2, 3], bootstrapLearners: [5, 4] };
    for (const id of cluster.replicas.values()) await cluster.start(id, undefined, conf);
    const leader = await cluster.electLeader();
    expect(leader.host.status(0).raft.confState).toMatchObject({ voters: [1, 2, 3], learners: [4, 5] });
    await cluster.write('for all');
    await cluster.until(
      () => [...cluster.nodes.values()].every(({ machine }) => machine.texts(0).join() === 'for all'),
      'the entry on all replicas',
    );
    for (const id of [...cluster.replicas.values()].slice(0, 3)) if (id !== leader.id) cluster.crash(id);
    const write = outcome(leader.host.propose(0, Buffer.from('one voter, two learners')).promise);
    await cluster.until(() => !leader.host.status(0).isLeader, 'the end of the leadership');
    await cluster.settle(leader.host.stop());
    expect(await write).toMatchObject({ code: 'WRITE_TIMEOUT' });
  });
});

describe('leadership', () => {
  test('moves to the node asked for', async () => {
    const cluster = await threeNodes();
    await cluster.write('before');
    const leader = await cluster.electLeader();
    const target = cluster.followers()[1]!;
    const changes: (string | undefined)[] = [];
    target.host.onLeaderChange((_group, node) => changes.push(node));
    leader.host.transferLeader(0, target.id);
    await cluster.until(() => target.host.status(0).isLeader, 'the transfer');
    expect(changes.at(-1)).toBe(target.id);
    await cluster.write('after');
  });

  test('of all groups is handed over before a stop', async () => {
    const cluster = new TestCluster({ nodes: 3, groups: [0, 1, 2, 3] });
    await cluster.startAll();
    for (const group of [0, 1, 2, 3]) await cluster.write('before', group);
    const leaving = await cluster.electLeader(0);
    await cluster.settle(leaving.host.transferAllLeadership(cluster.clock.nowMs() + 5000));
    for (const group of [0, 1, 2, 3]) expect(leaving.host.status(group).isLeader).toBe(false);
  });

  test('handing it over gives up soon when nobody can take it, and at the deadline', async () => {
    const cluster = new TestCluster({ nodes: 3 });
    await cluster.startAll();
    await cluster.write('before');
    const leader = await cluster.electLeader();
    for (const { id } of cluster.followers()) cluster.crash(id);
    const startMs = cluster.clock.nowMs();
    await cluster.settle(leader.host.transferAllLeadership(startMs + 50));
    expect(cluster.clock.nowMs() - startMs).toBeLessThan(100);
    await cluster.settle(leader.host.transferAllLeadership(startMs + 1e6));
    expect(cluster.clock.nowMs() - startMs).toBeLessThan(2000);
  });
});
