import { seededRandom } from '../../base/index.ts';
import { Cluster, confOf } from './testing/cluster.ts';
import type { TestNode } from './testing/test-node.ts';
import type { Entry, HardState, Message } from './types.ts';

function entries(from: number, ...terms: number[]): Entry[] {
  return terms.map((term, at) => ({ index: from + at, term, kind: 'normal', data: Buffer.from('x') }));
}

/** Replica 2 of three, alone: the others are played by the test. */
function follower(
  stored: readonly Entry[] = [],
  hardState: HardState = { term: 0, vote: 0, commit: 0 },
): TestNode {
  const node = new Cluster({}, seededRandom(1)).add(2, confOf([1, 2, 3]));
  node.crash();
  node.storage.preload(stored, hardState);
  node.start();
  return node;
}

function append(parts: {
  from: number;
  term: number;
  prev: [number, number];
  entries: Entry[];
  commit: number;
}): Message {
  const { from, term, prev, commit } = parts;
  return {
    type: 'append',
    from,
    to: 2,
    term,
    prevIndex: prev[0],
    prevTerm: prev[1],
    entries: parts.entries,
    commit,
  };
}

describe('a replica', () => {
  it('reveals no term before it is on disk', () => {
    const node = follower();
    node.raft.step({ type: 'heartbeat', from: 1, to: 2, term: 5, commit: 0, readRound: 1 });
    expect(node.turn().messages).toEqual([]);
    expect(node.sync()).toMatchObject([{ type: 'heartbeatResponse', term: 5, readRound: 1 }]);
    node.raft.step({ type: 'heartbeat', from: 1, to: 2, term: 5, commit: 0, readRound: 2 });
    expect(node.turn().messages).toMatchObject([{ type: 'heartbeatResponse', term: 5, readRound: 2 }]);
  });

  it('takes no success of a write for an entry that was replaced and put back since (A-B-A)', () => {
    const node = follower(entries(1, 1), { term: 1, vote: 0, commit: 1 });
    node.turn();
    node.raft.step(append({ from: 1, term: 1, prev: [1, 1], entries: entries(2, 1), commit: 1 }));
    node.turn();
    node.raft.step(append({ from: 3, term: 2, prev: [1, 1], entries: entries(2, 2), commit: 1 }));
    node.turn();
    node.raft.step(append({ from: 1, term: 3, prev: [1, 1], entries: entries(2, 1, 3), commit: 3 }));
    node.turn();
    expect(node.writesPending).toBe(3);
    // The second write is about to replace on disk what the first one wrote: nothing may be applied from there.
    node.sync();
    expect(node.turn().committed).toEqual([]);
    node.sync();
    expect(node.turn().committed).toEqual([]);
    node.sync();
    expect(node.turn().committed.map((entry) => [entry.index, entry.term])).toEqual([
      [2, 1],
      [3, 3],
    ]);
  });

  it('commits and acknowledges only what a message showed to agree, whatever else its log holds', () => {
    const node = follower(entries(1, 1, 1, 1, 1), { term: 1, vote: 0, commit: 0 });
    // The leader of term 2 has other entries from 3 on; this message ends at 2.
    node.raft.step(append({ from: 1, term: 2, prev: [1, 1], entries: entries(2, 1), commit: 4 }));
    node.turn();
    expect(node.sync()).toMatchObject([{ type: 'appendResponse', index: 2, reject: false }]);
    expect(node.raft.status().commit).toBe(2);
  });

  it('names the last position that may agree when it refuses an append', () => {
    const node = follower(entries(1, 1, 2, 2, 2), { term: 2, vote: 0, commit: 0 });
    node.raft.step(append({ from: 1, term: 3, prev: [9, 3], entries: [], commit: 0 }));
    node.raft.step(append({ from: 1, term: 3, prev: [4, 1], entries: [], commit: 0 }));
    node.turn();
    expect(node.sync()).toMatchObject([
      { index: 9, reject: true, hintIndex: 4, hintTerm: 2 },
      { index: 4, reject: true, hintIndex: 1, hintTerm: 1 },
    ]);
  });

  it('takes what it had applied for committed when the last commit index did not reach the disk', () => {
    const node = follower(entries(1, 1, 1, 1), { term: 1, vote: 0, commit: 3 });
    node.turn();
    node.apply();
    node.compact();
    node.kill();
    node.storage.preload([], { term: 1, vote: 0, commit: 0 });
    node.start();
    expect(node.raft.status()).toMatchObject({ commit: 3, applied: 3, lastIndex: 3 });
  });

  it('has nothing to say, and says so without allocating, when nothing happens', () => {
    const { raft } = follower();
    expect(raft.hasReady()).toBe(false);
    raft.tick();
    expect(raft.hasReady()).toBe(false);
    const [first, second] = [raft.ready(), raft.ready()];
    expect(first).toEqual({
      messages: [],
      persist: undefined,
      committed: [],
      readStates: [],
      readFailures: [],
      softState: undefined,
    });
    expect(first.messages).toBe(second.messages);
    expect(first.readStates).toBe(second.readStates);
  });

  it('never changes what it has handed out', () => {
    const node = follower();
    node.raft.step(append({ from: 1, term: 1, prev: [0, 0], entries: entries(1, 1), commit: 0 }));
    const persist = node.turn().persist;
    node.raft.step(append({ from: 1, term: 1, prev: [1, 1], entries: entries(2, 1), commit: 0 }));
    node.turn();
    expect(persist?.messagesAfter).toMatchObject([{ index: 1 }]);
    expect(persist?.entries).toHaveLength(1);
  });

  it('says who leads when it is asked to take a proposal', () => {
    const { raft } = follower();
    expect(raft.propose([Buffer.from('a')])).toEqual({ kind: 'notLeader', leader: 0 });
    raft.step({ type: 'heartbeat', from: 3, to: 2, term: 1, commit: 0, readRound: 0 });
    expect(raft.propose([Buffer.from('a')])).toEqual({ kind: 'notLeader', leader: 3 });
  });

  it('passes reads on under names that it will not use again after a restart', () => {
    const names = [1, 2].map((seed) => {
      const { raft } = new Cluster({}, seededRandom(seed)).add(2, confOf([1, 2, 3]));
      raft.step({ type: 'heartbeat', from: 1, to: 2, term: 0, commit: 0, readRound: 0 });
      raft.readIndex(71);
      return raft
        .ready()
        .messages.flatMap((message) => (message.type === 'readIndex' ? [message.context] : []));
    });
    expect(names.flat()).toHaveLength(2);
    expect(names[0]).not.toEqual(names[1]);
  });

  it('breaks an invariant when two leaders show up in one term', () => {
    const { raft } = follower();
    raft.step({ type: 'heartbeat', from: 3, to: 2, term: 1, commit: 0, readRound: 0 });
    expect(() => {
      raft.step({ type: 'heartbeat', from: 1, to: 2, term: 1, commit: 0, readRound: 0 });
    }).toThrow('a term has one leader');
  });

  it('breaks an invariant on a message that is for another', () => {
    expect(() => {
      follower().raft.step({ type: 'timeoutNow', from: 1, to: 3, term: 1 });
    }).toThrow('a message reaches whom it is for');
  });

  it('breaks an invariant when writes are reported out of order', () => {
    const node = follower();
    node.raft.step(append({ from: 1, term: 1, prev: [0, 0], entries: entries(1, 1), commit: 0 }));
    const token = node.turn().persist?.token ?? 0;
    expect(() => {
      node.raft.onAppended(token + 1);
    }).toThrow('writes become durable in order');
  });

  it('draws its election timeout between one and two times the shortest, and never the same for all', () => {
    const timeouts = Array.from({ length: 200 }, (_none, seed) => {
      const node = new Cluster({ electionTicks: 5 }, seededRandom(seed)).add(1, confOf([1, 2, 3]));
      let ticks = 0;
      while (node.raft.status().role === 'follower') {
        node.raft.tick();
        ticks += 1;
      }
      return ticks;
    });
    expect([...new Set(timeouts)].sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9]);
  });
});
