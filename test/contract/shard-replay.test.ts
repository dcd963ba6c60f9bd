import fc from 'fast-check';
import type { PointCommand, CommandResult, CommittedEntry } from '../../server/src/shard/index.ts';
import { entry, point, remove, SCHEMA, upsert } from '../../server/src/shard/testing/commands.ts';
import { ShardWorld } from '../support/shard-world.ts';

/** The naive model of one shard: what a map says after the first `upTo` entries. */
function modelOf(log: readonly (PointCommand | undefined)[], upTo: number): Map<string, number> {
  const points = new Map<string, number>();
  log.slice(0, upTo).forEach((command, position) => {
    if (command?.kind === 'upsert')
      for (const { id } of command.points) points.set(id.key.toString('hex'), position + 1);
    if (command?.kind === 'delete') for (const id of command.ids) points.delete(id.toString('hex'));
  });
  return points;
}

function expectedResult(log: readonly (PointCommand | undefined)[], index: number): CommandResult {
  const command = log[index - 1];
  if (command === undefined) return { kind: 'none' };
  if (command.kind === 'upsert') return { kind: 'upserted', version: index };
  const before = modelOf(log, index - 1);
  return { kind: 'deleted', deleted: command.ids.map((id) => before.delete(id.toString('hex'))) };
}

const SHARDS = [0, 1, 2];
const anId = fc.nat(11).map((n) => (n % 2 === 0 ? n : `id-${String(n)}`));
const aVector = fc.tuple(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: -9, max: 9 }),
  fc.integer({ min: -9, max: 9 }),
);
const aCommand: fc.Arbitrary<PointCommand | undefined> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.tuple(anId, aVector), { minLength: 1, maxLength: 4 })
      .map((some) => upsert(...some.map(([id, vector]) => point(id, vector)))),
  },
  { weight: 4, arbitrary: fc.array(anId, { minLength: 1, maxLength: 4 }).map((ids) => remove(...ids)) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const aStep = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('apply' as const),
      shards: fc.subarray(SHARDS, { minLength: 1 }),
      most: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash' as const), kept: fc.nat(4), losesIndex: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

type Log = readonly (PointCommand | undefined)[];

async function expectEqualsModel(world: ShardWorld, logs: readonly Log[]): Promise<void> {
  expect(world.host.stats()[0]?.live).toBe(await world.host.count({ collection: SCHEMA.id, shards: SHARDS }));
  for (const shard of SHARDS) {
    const model = modelOf(logs[shard]!, world.host.applied(shard));
    const expected = [...model].map(([id, version]) => `${id}@${String(version)}`).sort();
    expect(await world.stored([shard])).toEqual(expected);
    expect(await world.found([shard])).toEqual(expected);
    expect(await world.host.count({ collection: SCHEMA.id, shards: [shard] })).toBe(model.size);
    expect(world.host.vectors(shard)).toBe(model.size);
  }
}

/** Applies the next entries of each log, as many as are left. */
async function applyNext(
  world: ShardWorld,
  logs: readonly Log[],
  step: { shards: readonly number[]; most: number },
): Promise<void> {
  const batches = step.shards.map((group) => {
    const from = world.host.applied(group) + 1;
    const entries: CommittedEntry[] = logs[group]!.slice(from - 1, from - 1 + step.most).map((c, n) =>
      entry(from + n, c),
    );
    return { group, entries };
  });
  const results = await world.host.apply(batches);
  expect(results).toEqual(
    batches.map(({ group, entries }) => entries.map(({ index }) => expectedResult(logs[group]!, index))),
  );
}

test('whatever is lost in crashes, applying the log again from the applied index leads to the same state', async () => {
  const aLog = fc.array(aCommand, { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.tuple(aLog, aLog, aLog), fc.array(aStep, { maxLength: 25 }), async (logs, steps) => {
      const world = await new ShardWorld({ shards: SHARDS, snapshotInterval: 7 }).open();
      for (const step of steps) {
        switch (step.do) {
          case 'apply':
            await applyNext(world, logs, step);
            break;
          case 'flush':
            await world.host.flush();
            break;
          case 'save':
            world.clock.advance(5 * 60_000);
            break;
          case 'restart':
            await (await world.stop()).open();
            break;
          case 'crash': {
            const durable = SHARDS.map((shard) => world.host.durableApplied(shard));
            if (step.losesIndex) world.indexes.files.clear();
            await world.crash(step.kept).open();
            SHARDS.forEach((shard) =>
              expect(world.host.applied(shard)).toBeGreaterThanOrEqual(durable[shard]!),
            );
            break;
          }
        }
        await expectEqualsModel(world, logs);
      }
      for (const shard of SHARDS) await applyNext(world, logs, { shards: [shard], most: Infinity });
      await expectEqualsModel(world, logs);

      const straight = await new ShardWorld({ shards: SHARDS }).open();
      await applyNext(straight, logs, { shards: SHARDS, most: Infinity });
      const points = (rows: string[]): string[] => rows.filter((row) => row.startsWith('01'));
      expect(points(await world.rows())).toEqual(points(await straight.rows()));
    }),
    { numRuns: 60, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: true },
  );
}, 60_000);
