import { GrapeError } from '../base/index.ts';
import type { EntryOutcome } from './propose-codec.ts';
import { decodeOutcome, encodeOutcome } from './propose-codec.ts';
import { committedOrThrow } from './write-outcome.ts';

const committed: EntryOutcome = { kind: 'committed', index: 7, result: { kind: 'upserted', version: 7 } };
const unavailable: EntryOutcome = {
  kind: 'refused',
  error: new GrapeError('SHARD_UNAVAILABLE', 'no leader'),
};
const full: EntryOutcome = { kind: 'refused', error: new GrapeError('TOO_MANY_REQUESTS', 'full') };
const unknown: EntryOutcome = { kind: 'unknown', reason: 'no answer' };
const misfit: EntryOutcome = {
  kind: 'committed',
  index: 8,
  result: { kind: 'refused', code: 'DIMENSION_MISMATCH', message: 'three' },
};

const run = (...outcomes: EntryOutcome[]): unknown => {
  try {
    return committedOrThrow(outcomes.map((outcome, shard) => ({ shard, outcome })));
  } catch (error) {
    if (error instanceof GrapeError) return { code: error.code, details: error.details };
    throw error;
  }
};

test('a write whose entries are all committed tells their versions', () => {
  expect(run(committed)).toEqual([{ shard: 0, version: 7, result: { kind: 'upserted', version: 7 } }]);
});

test.each([
  ['one entry that was refused', [unavailable], 'SHARD_UNAVAILABLE'],
  ['full queues', [full, full], 'TOO_MANY_REQUESTS'],
  ['a command that the replicas refused', [misfit], 'DIMENSION_MISMATCH'],
])('%s: surely nothing was applied, and the answer says so', (_name, outcomes, code) => {
  expect(run(...outcomes)).toMatchObject({ code });
});

test('429 and 503 are never answered for a write of which a part was or may be applied', () => {
  expect(run(committed, full)).toMatchObject({ code: 'WRITE_TIMEOUT' });
  expect(run(unavailable, unknown)).toMatchObject({ code: 'WRITE_TIMEOUT' });
  expect(run(unknown)).toMatchObject({ code: 'WRITE_TIMEOUT' });
});

test('a partly committed write names the state of every shard', () => {
  expect(run(committed, unavailable, unknown)).toMatchObject({
    details: {
      shards: [
        { shard: 0, outcome: 'committed', version: 7 },
        { shard: 1, outcome: 'not_applied' },
        { shard: 2, outcome: 'unknown' },
      ],
    },
  });
});

test.each<EntryOutcome>([
  committed,
  misfit,
  unknown,
  { kind: 'committed', index: 9, result: { kind: 'deleted', deleted: [true, false] } },
  { kind: 'committed', index: 10, result: { kind: 'none' } },
  { kind: 'reroute', reason: 'not here' },
  { kind: 'reroute', reason: 'not here', leader: 'node-2' },
  unavailable,
])('an outcome crosses the wire unchanged: %j', (outcome) => {
  expect(decodeOutcome(encodeOutcome(outcome))).toEqual(outcome);
});

test('a name that was used for another write is told as such, with what became of every shard', () => {
  const reused: EntryOutcome = {
    kind: 'committed',
    index: 9,
    result: { kind: 'refused', code: 'IDEMPOTENCY_KEY_REUSED', message: 'used' },
  };
  const shards = [
    { shard: 0, outcome: 'committed', version: 7 },
    { shard: 1, outcome: 'not_applied' },
  ];
  expect(run(committed, reused)).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED', details: { shards } });
  expect(run(reused)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});
