import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, GrapeError, seededRandom } from '../../server/src/base/index.ts';
import { plainScore } from '../../server/src/engine/testing/exact-score.ts';
import { naivelyMatches } from '../../server/src/engine/testing/naive-filter.ts';
import { NO_PAYLOAD_INDEXES, type Filter, parseFilter, pointIdText } from '../../server/src/model/index.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import { compiledFilter, ShardHost } from '../../server/src/shard/index.ts';
import { entry, point, upsert } from '../../server/src/shard/testing/commands.ts';
import { type KvStore, openRocksKv } from '../../server/src/storage/index.ts';

/** Filtered reads of the shard host on RocksDB and the addon's index, against every point compared one by one. */

const SHARDS = [0, 1];
const DIMENSION = 24;
const POINTS = 6_000;
const CLUSTERS = 20;
const K = 10;

interface Known {
  readonly id: number;
  readonly vector: Float32Array;
  readonly payload: Readonly<Record<string, unknown>>;
}

const clock = new FakeClock();
let directory: string;
let kv: KvStore;
let host: ShardHost;
let points: readonly Known[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-filtered-'));
  const cache = { cacheBytes: 8 << 20, writeBufferBytes: 8 << 20, compression: true };
  kv = await openRocksKv({ path: join(directory, 'data'), profile: 'data', ...cache });
  const options = { efConstruction: 100, snapshotInterval: 1_000_000 };
  host = await ShardHost.open({
    ...{ kv, options, clock },
    directory: join(directory, 'index'),
    logger: silentLogger,
  });
  for (const shard of SHARDS) host.openShard(shard);
  await host.setCollection({
    id: 1,
    name: 'default',
    dimension: DIMENSION,
    metric: 'cosine',
    m: 16,
    binaryQuantization: false,
    ...NO_PAYLOAD_INDEXES,
  });
  points = clustered();
  await load(points);
});

afterAll(async () => {
  await host.close();
  await kv.close();
  await rm(directory, { recursive: true });
});

/** Points around centres; `cluster` says which, so that a filter on it has to do with the vectors. */
function clustered(): Known[] {
  const random = seededRandom(5);
  const vectorOf = (scale: number, centre?: Float32Array): Float32Array =>
    Float32Array.from({ length: DIMENSION }, (_, i) => (centre?.[i] ?? 0) + scale * (random.next() - 0.5));
  const centres = Array.from({ length: CLUSTERS }, () => vectorOf(2));
  return Array.from({ length: POINTS }, (_, id) => {
    const cluster = id % CLUSTERS;
    return {
      id,
      vector: vectorOf(0.8, centres[cluster]),
      payload: { n: id, cluster, tags: [`t${id % 7}`, 'all'] },
    };
  });
}

async function load(all: readonly Known[]): Promise<void> {
  for (const shard of SHARDS) {
    const own = all.filter(({ id }) => id % SHARDS.length === shard);
    const entries = [];
    for (let at = 0; at < own.length; at += 200) {
      const some = own.slice(at, at + 200).map(({ id, vector, payload }) => point(id, [...vector], payload));
      entries.push(entry(entries.length + 1, upsert(...some)));
    }
    await host.apply([{ group: shard, entries }]);
  }
}

async function search(filter: Filter, query: Float32Array, exact: boolean): Promise<string[]> {
  const found = await host.search({
    ...{ collection: 1, shards: SHARDS, query, k: K, ef: 64, exact },
    ...{ withPayload: false, withVector: false, filter: { ...compiledFilter(filter), deadlineMs: Infinity } },
  });
  return found.map(({ idKey, score }) => `${pointIdText(idKey)}:${String(score)}`);
}

function expected(filter: object, query: Float32Array): string[] {
  return points
    .filter((known) => naivelyMatches(filter as Record<string, unknown>, known))
    .map(({ id, vector }) => ({ id, score: plainScore('cosine', query, vector) }))
    .sort((a, b) => b.score - a.score || a.id - b.id)
    .slice(0, K)
    .map(({ id, score }) => `${id}:${String(score)}`);
}

const FILTERS = {
  all: {},
  half: { must: { key: 'n', range: { lt: POINTS / 2 } } },
  tag: { must: { key: 'tags', match: { value: 't3' } } },
  'one in a hundred': { must: [{ key: 'n', range: { gte: 1_000, lt: 1_060 } }] },
  three: { must: { has_id: [5, 17, 4_000] } },
  none: { must: { key: 'no', match: { value: 1 } } },
  'another cluster': { must: { key: 'cluster', match: { value: 3 } } },
  'not the nearest clusters': {
    must_not: { key: 'cluster', match: { any: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } },
  },
};

test.each(Object.entries(FILTERS))('exact search of %s equals the oracle to the bit', async (_, filter) => {
  for (const { vector } of points.slice(0, 5)) {
    expect(await search(parseFilter(filter), vector, true)).toEqual(expected(filter, vector));
  }
});

test.each(Object.entries(FILTERS))('approximate search of %s finds what it should', async (_, filter) => {
  let [found, wanted] = [0, 0];
  for (const { vector } of points.slice(100, 140)) {
    const truth = new Set(expected(filter, vector));
    const hits = await search(parseFilter(filter), vector, false);
    expect(hits.length).toBe(truth.size);
    found += hits.filter((hit) => truth.has(hit)).length;
    wanted += truth.size;
  }
  expect(found).toBeGreaterThanOrEqual(0.97 * wanted);
});

test.each(Object.entries(FILTERS))('count and scroll of %s see the points that pass', async (_, filter) => {
  const passing = points.filter((known) => naivelyMatches(filter as Record<string, unknown>, known));
  const timed = { ...compiledFilter(parseFilter(filter)), deadlineMs: Infinity };
  expect(await host.count({ collection: 1, shards: SHARDS, filter: timed })).toBe(passing.length);
  const ids: string[] = [];
  let after: Buffer | undefined;
  do {
    const page = await host.scroll({
      ...{ collection: 1, shards: SHARDS, after, limit: 700, withVector: false },
      filter: timed,
    });
    ids.push(...page.points.map(({ idKey }) => pointIdText(idKey)));
    after = page.through;
  } while (after !== undefined);
  expect(ids).toEqual(passing.map(({ id }) => String(id)));
});

test('comparing ends at the deadline', async () => {
  const filter = { ...compiledFilter(parseFilter(FILTERS.none)), deadlineMs: clock.nowMs() };
  const late = host.count({ collection: 1, shards: SHARDS, filter });
  await expect(late).rejects.toThrow(GrapeError);
  await expect(late).rejects.toThrow('could be compared with the filter in time');
});
