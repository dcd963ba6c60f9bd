import type { RaftFloor } from '../types.ts';
import { TestCluster } from '../testing/test-cluster.ts';

interface Noted {
  readonly votes: { readonly group: number; readonly replicaId: number; readonly term: number }[];
  sequences: number[];
}

/** Floors that remember what was noted, and hold votes back while `gate` is set. */
class Floors {
  gate: Promise<void> | undefined;
  readonly noted = new Map<string, Noted>();

  readonly of = (id: string): RaftFloor => {
    const noted: Noted = { votes: [], sequences: [] };
    this.noted.set(id, noted);
    return {
      votes: async (changed) => {
        await this.gate;
        noted.votes.push(...changed);
      },
      synced: (sequence) => void noted.sequences.push(sequence),
    };
  };
}

test('no vote leaves, and no node leads, before it is in the floor', async () => {
  const floors = new Floors();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  floors.gate = promise as Promise<unknown> as Promise<void>;
  const cluster = new TestCluster({ nodes: 3, floor: floors.of });
  await cluster.startAll();
  await cluster.ticks(300);
  expect(cluster.leader()).toBeUndefined();
  expect(cluster.network.log.filter(({ message: { message } }) => message.type === 'vote')).toEqual([]);
  floors.gate = undefined;
  resolve(undefined);
  await cluster.electLeader();
  const { term } = (await cluster.electLeader()).host.status(0).raft;
  const voters = [...floors.noted.values()].filter(({ votes }) => votes.some((vote) => vote.term === term));
  expect(voters.length).toBeGreaterThanOrEqual(2);
});

test('writes raise the sequence and nothing else: the floor is not written for them', async () => {
  const floors = new Floors();
  const cluster = new TestCluster({ nodes: 3, floor: floors.of });
  await cluster.startAll();
  await cluster.write('first');
  const votes = [...floors.noted.values()].map((noted) => noted.votes.length);
  for (let at = 0; at < 20; at += 1) await cluster.write(`command ${at}`);
  expect([...floors.noted.values()].map((noted) => noted.votes.length)).toEqual(votes);
  for (const { sequences } of floors.noted.values()) {
    expect(sequences.length).toBeGreaterThan(15);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  }
});
