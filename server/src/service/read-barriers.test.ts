import { type Abandonment, FakeClock, GrapeError } from '../base/index.ts';
import type { Groups } from './ports.ts';
import { BARRIERS_AT_ONCE, ReadBarriers } from './read-barriers.ts';

interface OpenBarrier {
  readonly group: number;
  readonly confirm: () => void;
  readonly fail: (error: Error) => void;
  readonly abandonment: Abandonment | undefined;
}

/** Barriers that answer when the test says so. */
function setUp(): { clock: FakeClock; barriers: ReadBarriers; open: OpenBarrier[] } {
  const clock = new FakeClock();
  const open: OpenBarrier[] = [];
  const groups: Groups = {
    groups: () => [0, 1],
    status: () => {
      throw new Error('a barrier asks for no status');
    },
    propose: () => {
      throw new Error('a barrier proposes nothing');
    },
    onLeaderChange: () => undefined,
    readBarrier: (group, abandonment) =>
      new Promise((resolve, reject) => {
        open.push({ group, confirm: () => resolve(1), fail: reject, abandonment });
      }),
  };
  return { clock, barriers: new ReadBarriers({ groups, clock }), open };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('reads of one turn share a barrier per group, and each waits for all of its groups', async () => {
  const { barriers, open } = setUp();
  const done: string[] = [];
  const both = barriers.reach([0, 1], 1000).then(() => done.push('both'));
  const one = barriers.reach([1], 1000).then(() => done.push('one'));
  await turn();
  expect(open.map(({ group }) => group)).toEqual([0, 1]);
  open[1]?.confirm();
  await one;
  expect(done).toEqual(['one']);
  open[0]?.confirm();
  await both;
  expect(done).toEqual(['one', 'both']);
});

test('a read that comes after a barrier has started gets one of its own', async () => {
  const { barriers, open } = setUp();
  void barriers.reach([0], 1000);
  await turn();
  const later = barriers.reach([0], 1000);
  await turn();
  expect(open).toHaveLength(2);
  open[0]?.confirm();
  const state = await Promise.race([later.then(() => 'confirmed'), turn().then(() => 'waiting')]);
  expect(state).toBe('waiting');
});

test('only so many barriers of a group are under way, and what waits shares the next one', async () => {
  const { barriers, open } = setUp();
  for (let i = 0; i < BARRIERS_AT_ONCE + 3; i += 1) {
    void barriers.reach([0], 1000);
    await turn();
  }
  expect(open).toHaveLength(BARRIERS_AT_ONCE);
  open[0]?.confirm();
  await turn();
  await turn();
  expect(open).toHaveLength(BARRIERS_AT_ONCE + 1);
});

test('a barrier that fails fails its reads', async () => {
  const { barriers, open } = setUp();
  const read = barriers.reach([0, 1], 1000);
  await turn();
  open[1]?.fail(new GrapeError('SHARD_UNAVAILABLE', 'the leader changed'));
  await expect(read).rejects.toThrow('the leader changed');
  expect(open[0]?.abandonment?.isAbandoned).toBe(true);
});

test('a read that gives up at its deadline abandons its barrier and frees the place of it', async () => {
  const { clock, barriers, open } = setUp();
  const reads = Array.from({ length: 3 }, () => barriers.reach([0], 1000));
  await turn();
  clock.advance(1001);
  for (const read of reads) await expect(read).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  expect(open.map(({ abandonment }) => abandonment?.isAbandoned)).toEqual([true]);
});

test('a barrier is kept while one of its reads still waits', async () => {
  const { clock, barriers, open } = setUp();
  const short = barriers.reach([0], 10);
  const long = barriers.reach([0], 1000);
  await turn();
  clock.advance(20);
  await expect(short).rejects.toThrow('in time');
  expect(open[0]?.abandonment?.isAbandoned).toBe(false);
  open[0]?.confirm();
  await long;
});
