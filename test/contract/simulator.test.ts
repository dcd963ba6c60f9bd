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
  const counts = Object.fromEntries(FAULTS.map((fault) => [`fault: ${fault}`, fault === 'wipe' ? 0 : 1]));
  totals.add({
    seed: 1,
    steps: 1,
    hash: 0,
    failure: undefined,
    counts: { ...counts, elections: 1, acknowledged: 1, reads: 1, snapshots: 1, 'membership changes': 1 },
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

  test.each<[string, (oracle: Oracle) => void]>([
    ['another entry at an index', (oracle) => oracle.applied({ ...entry, data: 'normala=2' })],
    ['another state at an index', (oracle) => oracle.applied({ ...entry, hash: 2 })],
    ['an acknowledgement of what is not there', (oracle) => oracle.acknowledged(0, 2, 'a=1')],
    ['a stale read', (oracle) => oracle.read(0, 'a', { index: 0, atLeast: oracle.newest(0, 'a') })],
    ['a write that is lost', (oracle) => oracle.expectAll(0, () => 0)],
    ['a second leader', (oracle) => oracle.leads(0, 1, 2)],
    ['a second vote', (oracle) => oracle.sent(message({ to: 3 }), 1)],
    ['a term that falls with a restart', (oracle) => oracle.sent(message({ term: 2 }), 2)],
  ])('%s', (_, breaks) => {
    const oracle = new Oracle();
    oracle.applied(entry);
    oracle.acknowledged(0, 1, 'a=1');
    oracle.leads(0, 1, 1);
    oracle.sent(message({}), 1);
    expect(() => breaks(oracle)).toThrow(/group 0/);
  });
});
