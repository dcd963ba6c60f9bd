import { EMPTY_FLOOR, type FloorVote, MemoryKv, WriteBatch } from '../../storage/index.ts';
import type { Persist } from '../core/index.ts';
import { lostAgainst, storedSequence } from './floor-check.ts';
import { SEQUENCE_KEY, stateKey, STATE_ROW } from './keys.ts';
import { LogStore } from './log-store.ts';

const SYNC = { sync: true };
const GROUP = 7;
const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

function persist(term: number, vote: number): Persist {
  const hardState = { term, vote, commit: 0 };
  return { token: 1, entries: [], hardState, snapshot: undefined, mustSync: true, messagesAfter: [] };
}

/** A log of replica 2 that has voted for replica 3 in term 5, in its third write. */
async function voted(): Promise<MemoryKv> {
  const kv = new MemoryKv('log');
  const store = await LogStore.open(kv, { tailBytesMax: 1e6 });
  const log = store.create(GROUP, { replicaId: 2, confState });
  for (const term of [3, 4, 5]) await store.write([{ log, persist: persist(term, 3) }], SYNC);
  return kv;
}

const floorOf = (vote: Partial<FloorVote>, sequence = 3) => ({
  ...EMPTY_FLOOR,
  sequence,
  votes: [{ group: GROUP, replicaId: 2, term: 5, vote: 3, ...vote }],
});

test('the sequence of a store is that of its newest write; an empty one has none', async () => {
  expect(await storedSequence(await voted())).toBe(3);
  expect(await storedSequence(new MemoryKv('log'))).toBe(0);
});

test.each([
  ['what was on disk', floorOf({})],
  ['less than is on disk', floorOf({ term: 4, vote: 1 }, 2)],
  ['a term without a vote', floorOf({ vote: 0 })],
  ['a replica that was replaced by this one', floorOf({ replicaId: 1, term: 9 })],
  ['nothing', EMPTY_FLOOR],
])('nothing is lost against %s', async (_, floor) => {
  expect(await lostAgainst(floor, await voted())).toBeUndefined();
});

test.each([
  ['a later write', floorOf({}, 4), 'ends at write 3, although write 4 was on disk'],
  ['a later term', floorOf({ term: 6 }), 'has forgotten its vote of term 6'],
  ['another vote in the term', floorOf({ vote: 1 }), 'has forgotten its vote of term 5'],
  ['a later replica', floorOf({ replicaId: 4, term: 1 }), 'although replica 4 was here'],
  ['a group that is gone', floorOf({ group: 9 }), 'the log of group 9 is gone'],
])('%s is noticed as lost', async (_, floor, reason) => {
  expect(await lostAgainst(floor, await voted())).toContain(reason);
});

test('an empty store has lost everything', async () => {
  expect(await lostAgainst(floorOf({}), new MemoryKv('log'))).toContain('ends at write 0');
});

test('rows that cannot be read are left to the loading of their group', async () => {
  const kv = await voted();
  await kv.write(new WriteBatch().put(stateKey(GROUP, STATE_ROW.hardState), Buffer.from('x')), SYNC);
  expect(await lostAgainst(floorOf({ term: 9 }), kv)).toBeUndefined();
});

test('a store whose sequence cannot be read is lost as a whole: it would count anew below its floor', async () => {
  const kv = await voted();
  await kv.write(new WriteBatch().put(SEQUENCE_KEY, Buffer.from('x')), SYNC);
  expect(await lostAgainst(floorOf({}), kv)).toContain('the sequence of the Raft log cannot be read');
  // Its node starts all the same, to say so, and takes no part.
  expect(await storedSequence(kv)).toBe(0);
});
