import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { FakeClock } from '../../server/src/base/index.ts';
import {
  CLAIM_CHUNK,
  type Command,
  type CommandResult,
  type CommittedEntry,
  encodeCommand,
  LogClock,
  type RetryTag,
} from '../../server/src/shard/index.ts';
import { point, remove, upsert } from '../../server/src/shard/testing/commands.ts';
import { ShardWorld } from '../support/shard-world.ts';

const START_MS = 1_700_000_000_000;

interface Write {
  readonly command: Command;
  readonly name?: string;
  readonly scope?: RetryTag['scope'];
  readonly sequence?: number;
  readonly chunk?: number;
  readonly wallMs?: number;
  /** What the digest is taken of; the command by default. */
  readonly says?: string;
}

function entryOf(index: number, write: Write): CommittedEntry {
  const { command, name, scope = 'key', sequence = 0, chunk = 0, wallMs = START_MS } = write;
  const says = write.says ?? encodeCommand(command, { wallMs: 0 }).toString('hex');
  const digest = createHash('sha256').update(says).digest().subarray(0, 16);
  const retry = name === undefined ? undefined : { scope, name: Buffer.from(name), sequence, digest, chunk };
  return { index, term: 1, kind: 'normal', data: encodeCommand(command, { wallMs, retry }) };
}

/** Applies one write after the other, each in a turn of its own, and answers the results. */
async function applied(world: ShardWorld, writes: readonly Write[]): Promise<CommandResult[]> {
  const results: CommandResult[] = [];
  for (const write of writes) {
    const entries = [entryOf(world.host.applied(0) + 1, write)];
    results.push((await world.host.apply([{ group: 0, entries }]))[0]?.[0] as CommandResult);
  }
  return results;
}

const shard = (): Promise<ShardWorld> => new ShardWorld({ shards: [0] }).open();
const a = upsert(point('a', [1, 0, 0]));
const b = upsert(point('b', [1, 0, 0]));

test('a write that is repeated under its key has the first result and changes nothing', async () => {
  const world = await shard();
  const results = await applied(world, [
    { command: a, name: 'k1' },
    { command: remove('a', 'z'), name: 'k2' },
    { command: a, name: 'k1' },
    { command: remove('a', 'z'), name: 'k2' },
  ]);
  expect(results).toEqual([
    { kind: 'upserted', version: 1 },
    { kind: 'deleted', deleted: [true, false] },
    { kind: 'upserted', version: 1 },
    { kind: 'deleted', deleted: [true, false] },
  ]);
  expect(await world.stored()).toEqual([]);
});

test('also within one turn, and when the rows were read back from the disk', async () => {
  const world = await shard();
  const entries = [entryOf(1, { command: a, name: 'k' }), entryOf(2, { command: a, name: 'k' })];
  expect(await world.host.apply([{ group: 0, entries }])).toEqual([
    [
      { kind: 'upserted', version: 1 },
      { kind: 'upserted', version: 1 },
    ],
  ]);
  await (await world.stop()).open();
  expect(await applied(world, [{ command: a, name: 'k' }])).toEqual([{ kind: 'upserted', version: 1 }]);
});

test('another write under the same key is refused and changes nothing', async () => {
  const world = await shard();
  const results = await applied(world, [
    { command: a, name: 'k' },
    { command: b, name: 'k' },
  ]);
  expect(results[1]).toMatchObject({ kind: 'refused', code: 'IDEMPOTENCY_KEY_REUSED' });
  expect(world.host.vectors(0)).toBe(1);
});

test('the entries of one write are remembered one by one', async () => {
  const world = await shard();
  const results = await applied(world, [
    { command: a, name: 'k', says: 'both', chunk: 0 },
    { command: a, name: 'k', says: 'both', chunk: 0 },
    { command: b, name: 'k', says: 'both', chunk: 1 },
    { command: b, name: 'k', says: 'both', chunk: 1 },
  ]);
  expect(results.map((result) => result.kind === 'upserted' && result.version)).toEqual([1, 1, 3, 3]);
});

test('a claim takes the name for one write, whose entries are carried out and remembered beside it', async () => {
  const world = await shard();
  const claim: Command = { kind: 'claim', collection: 1 };
  const results = await applied(world, [
    { command: claim, name: 'k', says: 'both', chunk: CLAIM_CHUNK },
    { command: claim, name: 'k', says: 'other', chunk: CLAIM_CHUNK },
    { command: b, name: 'k', says: 'other' },
    { command: a, name: 'k', says: 'both' },
    { command: claim, name: 'k', says: 'both', chunk: CLAIM_CHUNK },
    { command: a, name: 'k', says: 'both' },
  ]);
  expect(results.map((result) => (result.kind === 'refused' ? result.code : result))).toEqual([
    { kind: 'none' },
    'IDEMPOTENCY_KEY_REUSED',
    'IDEMPOTENCY_KEY_REUSED',
    { kind: 'upserted', version: 4 },
    { kind: 'none' },
    { kind: 'upserted', version: 4 },
  ]);
  expect((await world.rows()).filter((row) => row.startsWith('04'))).toHaveLength(1);
  expect(world.host.retryTotals()).toEqual({ rows: 1, repeated: 2, misnamed: 2, full: 0, evicted: 0 });
});

test('a client has one row: its last write; older ones are refused', async () => {
  const world = await shard();
  const client = { name: 'c', scope: 'client' } as const;
  const results = await applied(world, [
    { ...client, command: a, sequence: 7 },
    { ...client, command: b, sequence: 9 },
    { ...client, command: b, sequence: 9 },
    { ...client, command: a, sequence: 7 },
    { ...client, command: a, sequence: 9 },
    { command: a, name: 'c' },
  ]);
  expect(results.map((result) => (result.kind === 'refused' ? result.code : result))).toEqual([
    { kind: 'upserted', version: 1 },
    { kind: 'upserted', version: 2 },
    { kind: 'upserted', version: 2 },
    'SEQUENCE_TOO_OLD',
    'IDEMPOTENCY_KEY_REUSED',
    { kind: 'upserted', version: 6 },
  ]);
  expect((await world.rows()).filter((row) => row.startsWith('04'))).toHaveLength(2);
});

test('a refused write is not remembered', async () => {
  const world = await shard();
  const misfit = upsert(point('m', [1, 2]));
  const results = await applied(world, [
    { command: a },
    { command: misfit, name: 'k' },
    { command: a, name: 'k' },
  ]);
  expect(results.map(({ kind }) => kind)).toEqual(['upserted', 'refused', 'upserted']);
});

test('a key is kept for 120 s of log time, which one entry moves by 10 s at most', async () => {
  const world = await shard();
  const later = (ms: number, count = 1): Write[] =>
    Array.from({ length: count }, (_, i) => ({ command: b, name: `n${ms}-${i}`, wallMs: START_MS + ms }));
  await applied(world, [{ command: a, name: 'k' }]);
  // A clock that is a day ahead moves log time by 10 s an entry: 12 entries make 120 s.
  await applied(world, later(86_400_000, 12));
  expect(await applied(world, [{ command: a, name: 'k', wallMs: START_MS }])).toEqual([
    { kind: 'upserted', version: 1 },
  ]);
  await applied(world, later(86_500_000));
  expect(world.host.retryTotals()).toMatchObject({ evicted: 1, rows: 13 });
  expect(await applied(world, [{ command: a, name: 'k', wallMs: START_MS }])).toEqual([
    { kind: 'upserted', version: 16 },
  ]);
});

test('a first clock that is a year ahead does not keep names for a year', async () => {
  const world = await shard();
  const clock = new FakeClock(START_MS);
  const stamps = new LogClock(clock);
  await applied(world, [{ command: a, name: 'k', wallMs: START_MS + 365 * 86_400_000 }]);
  const write = async (name: string): Promise<CommandResult[]> =>
    applied(world, [{ command: a, name, wallMs: stamps.stamp(0, world.host.logTimeMs(0)) }]);
  for (let i = 0; i <= 24; i++) {
    await write(`n${i}`);
    clock.advance(5000);
  }
  expect(await write('k')).toEqual([{ kind: 'upserted', version: 1 }]);
  clock.advance(5000);
  await write('later');
  expect(await write('k')).toEqual([{ kind: 'upserted', version: 29 }]);
});

test('every replica has the same rows, however it cuts its turns', async () => {
  const write = fc.record({
    name: fc.constantFrom('p', 'q', 'r', 's', undefined),
    scope: fc.constantFrom('key' as const, 'client' as const),
    sequence: fc.nat(3),
    chunk: fc.nat(1),
    seconds: fc.nat(600),
    id: fc.constantFrom('a', 'b', 'c'),
    deletes: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(write, fc.boolean()), { maxLength: 60 }), async (steps) => {
      const entries = steps.map(([{ name, seconds, id, deletes, scope, sequence, chunk }], i) => {
        const command = deletes ? remove(id) : upsert(point(id, [1, 0, 0]));
        const wallMs = START_MS + seconds * 1000;
        const numbered = scope === 'client' ? sequence : 0;
        return entryOf(i + 1, {
          command,
          wallMs,
          chunk,
          scope,
          sequence: numbered,
          ...(name !== undefined && { name }),
        });
      });
      const [one, cut] = [await shard(), await shard()];
      const results = [];
      for (const entry of entries)
        results.push(...((await one.host.apply([{ group: 0, entries: [entry] }]))[0] ?? []));
      const cutResults = [];
      for (let from = 0; from < entries.length;) {
        let to = from + 1;
        while (to < entries.length && steps[to]?.[1] === true) to += 1;
        cutResults.push(
          ...((await cut.host.apply([{ group: 0, entries: entries.slice(from, to) }]))[0] ?? []),
        );
        from = to;
      }
      expect(cutResults).toEqual(results);
      expect(await cut.rows()).toEqual(await one.rows());
    }),
    { numRuns: 150 },
  );
});
