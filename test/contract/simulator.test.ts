import { FAULTS } from '../sim/swarm.ts';
import { Totals } from '../sim/totals.ts';
import { Oracle } from '../sim/oracle.ts';
import { World } from '../sim/world.ts';

jest.setTimeout(60_000);

test('the same seed gives the same run, another seed another one', async () => {
  const run = (seed: number) => new World(seed, { traceMax: 0 }).run(4_000);
  const first = await run(5);
  expect(first.failure).toBeUndefined();
  expect(await run(5)).toEqual(first);
  expect((await run(6)).hash).not.toBe(first.hash);
});

test('a kind of fault that never happened is named', () => {
  const totals = new Totals();
  const faults = FAULTS.map((fault) => [`fault: ${fault}`, fault === 'wipe' ? 0 : 1] as const);
  const rest = ['elections', 'acknowledged', 'reads', 'leased reads', 'snapshots', 'membership changes'];
  const counts = Object.fromEntries([...faults, ...rest.map((name) => [name, 1] as const)]);
  totals.add({
    seed: 1,
    steps: 1,
    hash: 0,
    failure: undefined,
    counts,
  });
  expect(totals.missing).toEqual(['fault: wipe']);
});

describe('the oracle objects to', () => {
  const entry = { group: 0, index: 1, term: 1, data: 'normala=1', hash: 1 };
  const message = (more: object) =>
    ({
      group: 0,
      message: { type: 'voteResponse', from: 1, to: 2, term: 3, reject: false, ...more },
    }) as never;

  const named = (crc: number, previousTerm: number) => ({ crc, previousTerm });
  const shown = (term: number, commit: number, applied: number) => ({
    process: 'node-1/1',
    status: { term, commit, applied },
  });

  test.each<[string, (oracle: Oracle) => void]>([
    ['another entry at an index', (oracle) => oracle.applied({ ...entry, data: 'normala=2' })],
    ['another state at an index', (oracle) => oracle.applied({ ...entry, hash: 2 })],
    ['an acknowledgement of what is not there', (oracle) => oracle.acknowledged(0, 2, 'a=1')],
    ['a stale read', (oracle) => oracle.read(0, 'a', { index: 0, atLeast: oracle.newest(0, 'a') })],
    ['a write that is lost', (oracle) => oracle.expectAll(0, () => 0)],
    ['a second leader', (oracle) => oracle.leads(0, 1, 2)],
    ['a second vote', (oracle) => oracle.sent(message({ to: 3 }), 1)],
    ['a term that falls with a restart', (oracle) => oracle.sent(message({ term: 2 }), 2)],
    [
      'a heartbeat of a second leader',
      (oracle) => oracle.sent(message({ type: 'heartbeat', from: 2, term: 1 }), 1),
    ],
    [
      'another entry of the same index and term',
      (oracle) => oracle.logged(0, { index: 1, term: 1 }, named(8, 0)),
    ],
    ['another entry before the same one', (oracle) => oracle.logged(0, { index: 1, term: 1 }, named(7, 1))],
    ['a term that falls in a process', (oracle) => oracle.shows(0, 1, shown(2, 5, 5))],
    ['a commit that falls in a process', (oracle) => oracle.shows(0, 1, shown(3, 4, 4))],
    ['what is applied before it is committed', (oracle) => oracle.shows(0, 2, shown(3, 4, 5))],
    ['a snapshot with another state', (oracle) => oracle.restored(0, 1, 2)],
    ['a snapshot of what was never committed', (oracle) => oracle.restored(0, 2, 1)],
    [
      'a read before what is applied somewhere',
      (oracle) => oracle.readAt(0, { atLeast: 1, barrier: 0, applied: 1 }),
    ],
    [
      'a read from a state behind its barrier',
      (oracle) => oracle.readAt(0, { atLeast: 1, barrier: 1, applied: 0 }),
    ],
  ])('%s', (_, breaks) => {
    const oracle = new Oracle();
    oracle.applied(entry);
    oracle.acknowledged(0, 1, 'a=1');
    oracle.leads(0, 1, 1);
    oracle.sent(message({}), 1);
    oracle.logged(0, { index: 1, term: 1 }, named(7, 0));
    oracle.shows(0, 1, shown(3, 5, 5));
    expect(() => breaks(oracle)).toThrow(/group 0/);
  });
});

test('a leader must have what was applied before its term began, newest first', () => {
  const oracle = new Oracle();
  const apply = (index: number, term: number): void =>
    oracle.applied({ group: 0, index, term, data: `${index}`, hash: index });
  oracle.leads(0, 2, 1);
  apply(1, 1);
  apply(2, 2);
  oracle.leads(0, 4, 1);
  apply(3, 2);
  expect(oracle.mustHave(0, 5, 2)).toEqual([
    { index: 3, term: 2 },
    { index: 2, term: 2 },
  ]);
  expect(oracle.mustHave(0, 4, 9).map(({ index }) => index)).toEqual([2, 1]);
  expect(oracle.mustHave(0, 2, 9)).toEqual([]);
});
