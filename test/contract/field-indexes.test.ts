import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { FakeClock, seededRandom } from '../../server/src/base/index.ts';
import { plainScore } from '../../server/src/engine/testing/exact-score.ts';
import { naivelyMatches } from '../../server/src/engine/testing/naive-filter.ts';
import { NO_PAYLOAD_INDEXES, parseFilter, pointIdText } from '../../server/src/model/index.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import { compiledFilter, SearchNotes, ShardHost } from '../../server/src/shard/index.ts';
import { entry, point, remove, upsert } from '../../server/src/shard/testing/commands.ts';
import { type KvStore, openRocksKv } from '../../server/src/storage/index.ts';

/** Filtered searches with indexed fields on the addon's index, against every point compared one by one. */

const DIMENSION = 8;
const K = 10;
const FIELDS = [
  ['kw', 'keyword'],
  ['n', 'integer'],
  ['x', 'float'],
  ['b', 'bool'],
  ['t', 'datetime'],
  ['g', 'geo'],
  ['words', 'text'],
] as const;

const random = seededRandom(11);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;
const VALUES: Record<string, readonly unknown[]> = {
  kw: ['a', 'b', 'c', 5, true, null, ['a', 'c'], []],
  n: [0, 1, 2, 3, 2.5, -7, 'a', [1, 3]],
  x: [0.5, 1, 2.25, -3e9, 'x'],
  b: [true, false, 'true', 1],
  t: ['2024-01-01T00:00:00Z', '2024-06-01', '2023-12-31T23:59:59.5Z', 'soon', 3],
  g: [{ lon: 1, lat: 2 }, { lon: 179.5, lat: -3 }, { lon: -179.5, lat: -3 }, 'here', { lon: 1 }],
  words: ['red fox', 'The RED house', 'fox', '--', 7, ['blue', 'red']],
};

interface Known {
  readonly id: number;
  readonly vector: Float32Array;
  readonly payload: Readonly<Record<string, unknown>>;
}

let directory: string;
let kv: KvStore;
let host: ShardHost;
const points = new Map<number, Known>();
let index = 0;

function randomPoint(id: number): Known {
  const payload: Record<string, unknown> = {};
  for (const [field] of FIELDS) if (random.next() < 0.8) payload[field] = pick(VALUES[field]!);
  return { id, vector: Float32Array.from({ length: DIMENSION }, () => random.next() - 0.5), payload };
}

async function write(ids: readonly number[]): Promise<void> {
  const known = ids.map(randomPoint);
  for (const one of known) points.set(one.id, one);
  const command = upsert(...known.map(({ id, vector, payload }) => point(id, [...vector], payload)));
  await host.apply([{ group: 0, entries: [entry((index += 1), command)] }]);
}

async function ready(): Promise<void> {
  for (let round = 0; !(await host.indexReports(1, [0])).every(({ isReady }) => isReady); round += 1) {
    expect(round).toBeLessThan(10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-fields-'));
  const cache = { cacheBytes: 8 << 20, writeBufferBytes: 8 << 20, compression: true };
  kv = await openRocksKv({ path: join(directory, 'data'), profile: 'data', ...cache });
  host = await ShardHost.open({
    ...{ kv, clock: new FakeClock(), logger: silentLogger, directory: join(directory, 'index') },
    options: { efConstruction: 50, snapshotInterval: 1_000_000 },
  });
  host.openShard(0);
  const schema = { id: 1, name: 'default', dimension: DIMENSION, metric: 'dot' as const, m: 8 };
  await host.setCollection({ ...schema, binaryQuantization: false, ...NO_PAYLOAD_INDEXES });
  // Before the fields are indexed, while they are, and after: what each way brings is found.
  for (let at = 0; at < 1_000; at += 200) await write(Array.from({ length: 200 }, (_, i) => at + i));
  await host.setPayloadIndexes(
    1,
    FIELDS.map(([field, type], number) => ({ number, field, type })),
  );
  for (let at = 0; at < 1_500; at += 100)
    await write(Array.from({ length: 100 }, (_, i) => (at * 7 + i * 13) % 1_500));
  await ready();
  await write(Array.from({ length: 200 }, (_, i) => i * 3));
  const gone = Array.from({ length: 50 }, (_, i) => i * 11);
  await host.apply([{ group: 0, entries: [entry((index += 1), remove(...gone))] }]);
  for (const id of gone) points.delete(id);
});

afterAll(async () => {
  await host.close();
  await kv.close();
  await rm(directory, { recursive: true });
});

const range = fc
  .record({ gte: fc.constantFrom(-8, 0, 1, 2, 2.5), lt: fc.constantFrom(2, 3, 4.5) }, { requiredKeys: [] })
  .filter(({ gte, lt }) => (gte !== undefined || lt !== undefined) && (gte ?? -9) <= (lt ?? 9));
const condition = fc.oneof(
  fc.constantFrom('kw', 'n', 'b', 'words', 't').chain((key) => {
    const wanted = [...VALUES[key]!].filter((value) => typeof value !== 'object' && value !== 2.5);
    return fc
      .array(fc.constantFrom(...wanted), { minLength: 1, maxLength: 3 })
      .map((any) => ({ key, match: { any } }));
  }),
  fc.tuple(fc.constantFrom('n', 'x', 'kw'), range).map(([key, bounds]) => ({ key, range: bounds })),
  fc.constant({ key: 't', range: { gte: '2024-01-01T00:00:00Z' } }),
  fc.constantFrom('red', 'fox', 'red fox').map((text) => ({ key: 'words', match: { text } })),
  fc.constant({ key: 'kw', match: { except: ['a'] } }),
  fc.constantFrom(0, 1, 500_000, 21_000_000).map((radius) => ({
    key: 'g',
    geo_radius: { center: { lon: 179.9, lat: -3 }, radius },
  })),
  fc.constantFrom(-179, 179.6).map((lon) => ({
    key: 'g',
    geo_bounding_box: { top_left: { lon: 170, lat: 5 }, bottom_right: { lon, lat: -5 } },
  })),
  fc.constant({ is_empty: { key: 'kw' } }),
);
const clause = fc.array(condition, { maxLength: 2 });
const filters = fc.record({ must: clause, should: clause, must_not: clause });

test('exact search with any filter equals the oracle to the bit', async () => {
  await fc.assert(
    fc.asyncProperty(filters, fc.nat(999), async (filter, at) => {
      const query = [...points.values()][at]!.vector;
      const truth = [...points.values()]
        .filter((known) => naivelyMatches(filter, known))
        .map(({ id, vector }) => ({ id, score: plainScore('dot', query, vector) }))
        .sort((a, b) => b.score - a.score || a.id - b.id)
        .slice(0, K)
        .map(({ id, score }) => `${id}:${String(score)}`);
      const found = await host.search({
        ...{
          collection: 1,
          shards: [0],
          query,
          k: K,
          ef: 64,
          exact: true,
          withPayload: false,
          withVector: false,
        },
        filter: { ...compiledFilter(parseFilter(filter)), deadlineMs: Infinity },
      });
      expect(found.map(({ idKey, score }) => `${pointIdText(idKey)}:${String(score)}`)).toEqual(truth);
    }),
    { numRuns: 300 },
  );
});

test('points with values of the type and of others are counted', async () => {
  const reports = await host.indexReports(1, [0]);
  const typed: Record<string, (value: unknown) => boolean> = {
    kw: (value) => typeof value === 'string',
    n: (value) => Number.isInteger(value),
    x: (value) => typeof value === 'number',
    b: (value) => typeof value === 'boolean',
    t: (value) => typeof value === 'string' && value.startsWith('20'),
    g: (value) => typeof value === 'object' && value !== null && 'lat' in value,
    words: (value) => typeof value === 'string' && value !== '--',
  };
  for (const [number, [field]] of FIELDS.entries()) {
    const elements = [...points.values()].map(({ payload }) => [payload[field]].flat(1));
    const values = elements.map((some) => some.filter((value) => value !== undefined && value !== null));
    expect(reports[number]).toEqual({
      number,
      isReady: true,
      points: values.filter((some) => some.some(typed[field]!)).length,
      skipped: values.filter((some) => !some.every(typed[field]!)).length,
    });
  }
});

const MOST = {
  should: [
    { key: 'n', range: { gte: -9 } },
    { key: 'x', range: { gte: -9e9 } },
  ],
};
const FEW = { must: { key: 'kw', match: { value: 'a' } } };
const NOBODY = { must: { key: 'kw', match: { value: 'nobody' } } };
const NAMED = { must: { has_id: [1, 2] } };
const UNKNOWN = { must: { is_empty: { key: 'kw' } }, must_not: { key: 'n', match: { value: 0 } } };

test.each([
  ['graph', undefined, false, /a walk for 10 candidates/],
  ['exact', undefined, true, /exact results are asked for/],
  ['filtered_graph', MOST, false, /let \d+ of 14\d\d points pass/],
  ['scan', FEW, false, /fewer than a walk for 16 candidates/],
  ['exact', FEW, true, /exact results are asked for: \d+ of/],
  ['nothing', NOBODY, false, /let no point pass/],
  ['store', UNKNOWN, true, /no payload index speaks of the filter/],
  ['ids', NAMED, false, /names 2 ids/],
])('a search is explained as %s', async (strategy, filter, exact, reason) => {
  const notes = new SearchNotes();
  await host.search({
    ...{ collection: 1, shards: [0], query: points.get(1)!.vector, k: K, ef: 10, exact },
    ...{ withPayload: false, withVector: false, notes },
    filter: filter && { ...compiledFilter(parseFilter(filter)), deadlineMs: Infinity },
  });
  const plan = notes.plan();
  expect(plan).toMatchObject({ strategy, reason: expect.stringMatching(reason) as string });
  expect(plan.points).toBe(points.size);
  const knows = filter !== undefined && filter !== UNKNOWN && filter !== NAMED;
  expect(plan.matching === undefined).toBe(!knows);
});
