import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, type Random, seededRandom } from '../../server/src/base/index.ts';
import { plainScore } from '../../server/src/engine/testing/exact-score.ts';
import {
  NO_PAYLOAD_INDEXES,
  type IndexedCollection,
  type Metric,
  METRICS,
  parsePointId,
  type PointWrite,
} from '../../server/src/model/index.ts';
import { VectorIndex } from '../../server/src/native/index.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import {
  type PointCommand,
  type CommittedEntry,
  encodeCommand,
  ShardHost,
} from '../../server/src/shard/index.ts';
import { type KvStore, openRocksKv } from '../../server/src/storage/index.ts';

/** The shard host on RocksDB and the addon's index, against a map that is searched naively. */

const SHARDS = [0, 1, 2, 3];
const DIMENSION = 37;
const schemaOf = (metric: Metric, binaryQuantization: boolean): IndexedCollection => ({
  id: 1,
  name: 'default',
  dimension: DIMENSION,
  metric,
  m: 8,
  binaryQuantization,
  ...NO_PAYLOAD_INDEXES,
});

interface Node {
  readonly host: ShardHost;
  readonly kv: KvStore;
  readonly clock: FakeClock;
}

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-engine-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function openNode(path: string, metric: Metric, binaryQuantization = false): Promise<Node> {
  const kv = await openRocksKv({
    path: join(path, 'data'),
    profile: 'data',
    cacheBytes: 8 << 20,
    writeBufferBytes: 8 << 20,
    compression: true,
  });
  const options = { efConstruction: 100, snapshotInterval: 1_000_000 };
  const clock = new FakeClock();
  const rest = { directory: join(path, 'index'), clock, logger: silentLogger };
  const host = await ShardHost.open({ kv, options, ...rest });
  for (const shard of SHARDS) host.openShard(shard);
  await host.setCollection(schemaOf(metric, binaryQuantization));
  return { host, kv, clock };
}

async function close({ host, kv }: Node): Promise<void> {
  await host.close();
  await kv.close();
}

/** What the log makes of the shards, kept naively: by shard, then by id. */
type Oracle = Map<
  number,
  Map<string, { readonly key: Buffer; readonly vector: Float32Array; readonly version: number }>
>;

function vectorOf(random: Random): Float32Array {
  return Float32Array.from({ length: DIMENSION }, () => random.next() * 4 - 2);
}

/** One turn of random upserts and deletes over all shards, applied to the host and to the oracle. */
async function randomTurn(host: ShardHost, oracle: Oracle, random: Random): Promise<void> {
  const batches = SHARDS.map((group) => {
    const applied = host.applied(group);
    const entries: CommittedEntry[] = [1, 2, 3].map((n) => {
      const command = randomCommand(random, group);
      remember(oracle, group, applied + n, command);
      return { index: applied + n, term: 1, kind: 'normal', data: encodeCommand(command, { wallMs: 1 }) };
    });
    return { group, entries };
  });
  await host.apply(batches);
}

function randomCommand(random: Random, shard: number): PointCommand {
  const anId = (): Buffer => parsePointId(`${String(shard)}-${String(random.int(120))}`).key;
  const some = Array.from({ length: 1 + random.int(5) }, anId);
  if (random.int(3) === 0) return { kind: 'delete', collection: 1, ids: some };
  const points = some.map((key): PointWrite => {
    const vector = Buffer.from(vectorOf(random).buffer);
    return { id: { key, isInteger: false }, vector, payload: Buffer.from(`{"of":"${key.toString('hex')}"}`) };
  });
  return { kind: 'upsert', collection: 1, points };
}

function remember(oracle: Oracle, shard: number, version: number, command: PointCommand): void {
  const points = oracle.get(shard) ?? new Map<string, never>();
  oracle.set(shard, points);
  if (command.kind === 'delete') for (const id of command.ids) points.delete(id.toString('hex'));
  else {
    for (const { id, vector } of command.points) {
      points.set(id.key.toString('hex'), {
        key: id.key,
        version,
        vector: new Float32Array(new Uint8Array(vector).buffer),
      });
    }
  }
}

function oracleSearch(
  oracle: Oracle,
  o: { metric: Metric; query: Float32Array; shards: readonly number[]; k: number },
): string[] {
  const sign = o.metric === 'euclidean' ? 1 : -1;
  return o.shards
    .flatMap((shard) => [...(oracle.get(shard)?.values() ?? [])])
    .map((point) => ({ ...point, score: plainScore(o.metric, o.query, point.vector) }))
    .sort((a, b) => sign * (a.score - b.score) || Buffer.compare(a.key, b.key))
    .slice(0, o.k)
    .map(({ key, version, score }) => `${key.toString('hex')}@${String(version)}:${String(score)}`);
}

async function expectEqualsOracle(
  node: Node,
  oracle: Oracle,
  o: { metric: Metric; random: Random },
): Promise<void> {
  const { metric } = o;
  for (const shards of [SHARDS, [1], [0, 3]]) {
    const query = vectorOf(o.random);
    const k = 25;
    const asked = { collection: 1, query, k, ef: 100, exact: true, shards };
    const found = await node.host.search({ ...asked, withPayload: true, withVector: true });
    const bare = await node.host.search({ ...asked, withPayload: false, withVector: false });
    const truth = oracleSearch(oracle, { metric, query, shards, k });
    for (const points of [found, bare]) {
      const texts = points.map((p) => `${p.idKey.toString('hex')}@${String(p.version)}:${String(p.score)}`);
      expect(texts).toEqual(truth);
    }
    for (const { payload, idKey } of found)
      expect(payload?.toString()).toBe(`{"of":"${idKey.toString('hex')}"}`);
    const live = shards.reduce((sum, shard) => sum + (oracle.get(shard)?.size ?? 0), 0);
    expect(await node.host.count({ collection: 1, shards })).toBe(live);
  }
  const live = await node.host.count({ collection: 1, shards: SHARDS });
  expect(node.host.stats()[0]?.live).toBe(live);
  const page = { collection: 1, shards: SHARDS, after: undefined, limit: 10_000, withVector: false };
  expect((await node.host.scroll(page)).points.length).toBe(live);
}

test.each(METRICS)(
  'exact search under %s equals the naive oracle to the bit, also after restarts',
  async (metric) => {
    const random = seededRandom(7);
    const oracle: Oracle = new Map();
    let node = await openNode(directory, metric);
    for (let turn = 0; turn < 40; turn++) await randomTurn(node.host, oracle, random);
    await expectEqualsOracle(node, oracle, { metric, random });

    // Loaded from its file.
    await close(node);
    node = await openNode(directory, metric);
    await expectEqualsOracle(node, oracle, { metric, random });

    // Rebuilt from the store.
    await close(node);
    await rm(join(directory, 'index'), { recursive: true });
    node = await openNode(directory, metric);
    await expectEqualsOracle(node, oracle, { metric, random });
    await close(node);
  },
);

test('an index file with other codes than its collection wants is made anew from the store', async () => {
  const random = seededRandom(9);
  const oracle: Oracle = new Map();
  let node = await openNode(directory, 'cosine');
  for (let turn = 0; turn < 10; turn++) await randomTurn(node.host, oracle, random);
  await close(node);
  node = await openNode(directory, 'cosine', true);
  await expectEqualsOracle(node, oracle, { metric: 'cosine', random });
  await close(node);
  const { index } = await VectorIndex.load(join(directory, 'index', 'collection-1.index'));
  expect(index.options.binaryQuantization).toBe(true);
  await index.close();
});

test('what was linked after the last save is in the file when the node stops', async () => {
  const random = seededRandom(10);
  let node = await openNode(directory, 'cosine');
  for (let at = 0; at < 8_000; at += 250) {
    const points = Array.from({ length: 250 }, (_, i): PointWrite => {
      const vector = Buffer.from(vectorOf(random).buffer);
      return { id: { key: parsePointId(at + i).key, isInteger: true }, vector, payload: Buffer.from('{}') };
    });
    const data = encodeCommand({ kind: 'upsert', collection: 1, points }, { wallMs: 1 });
    const index = node.host.applied(0) + 1;
    await node.host.apply([{ group: 0, entries: [{ index, term: 1, kind: 'normal', data }] }]);
  }
  // Saved while most of it waits to be linked.
  await close(node);
  node = await openNode(directory, 'cosine');
  expect(unlinkedOf(node)).toBeGreaterThan(0);
  while (unlinkedOf(node) > 0) await new Promise((resolve) => setImmediate(resolve));
  await close(node);
  node = await openNode(directory, 'cosine');
  expect(unlinkedOf(node)).toBe(0);
  await close(node);
});

function unlinkedOf({ host }: Node): number {
  return host.stats()[0]?.unlinked ?? NaN;
}

test('a saved index that is older than the store is caught up by the journal', async () => {
  const random = seededRandom(11);
  const oracle: Oracle = new Map();
  let node = await openNode(directory, 'cosine');
  for (let turn = 0; turn < 20; turn++) await randomTurn(node.host, oracle, random);
  await close(node);
  node = await openNode(directory, 'cosine');
  for (let turn = 0; turn < 20; turn++) await randomTurn(node.host, oracle, random);
  await node.host.flush();

  // A copy of the store of now, with the index of then.
  const crashed = await mkdtemp(join(tmpdir(), 'grape-engine-'));
  await node.kv.checkpoint(join(crashed, 'data'));
  await cp(join(directory, 'index'), join(crashed, 'index'), { recursive: true });
  await close(node);
  const restarted = await openNode(crashed, 'cosine');
  await expectEqualsOracle(restarted, oracle, { metric: 'cosine', random });
  await close(restarted);
  await rm(crashed, { recursive: true });
});

/** By id. */
function versionsOf(oracle: Oracle): ReadonlyMap<string, number> {
  return new Map(
    [...oracle.values()].flatMap((points) => [...points].map(([id, { version }]) => [id, version])),
  );
}

test('searches beside writes answer only versions that the store had, none older than what was acknowledged', async () => {
  const random = seededRandom(13);
  const oracle: Oracle = new Map();
  const node = await openNode(directory, 'dot');
  await randomTurn(node.host, oracle, random);
  const writing = { isDone: false };
  const vectors = new Map<string, Float32Array>();
  let acknowledged = versionsOf(oracle);
  const note = (): void => {
    for (const points of oracle.values()) {
      for (const [id, { version, vector }] of points) vectors.set(`${id}@${String(version)}`, vector);
    }
  };
  note();
  const writer = (async () => {
    for (let turn = 0; turn < 60; turn++) {
      const turned = randomTurn(node.host, oracle, random);
      note();
      await turned;
      acknowledged = versionsOf(oracle);
    }
    writing.isDone = true;
  })();
  let searches = 0;
  while (!writing.isDone) {
    const query = vectorOf(random);
    const before = acknowledged;
    const found = await node.host.search({
      ...{ collection: 1, query, k: 20, ef: 50, exact: searches % 2 === 0, shards: SHARDS },
      ...{ withPayload: false, withVector: searches % 4 < 2 },
    });
    searches += 1;
    for (const { idKey, version, score } of found) {
      const id = idKey.toString('hex');
      expect(version).toBeGreaterThanOrEqual(before.get(id) ?? 0);
      expect(score).toBe(plainScore('dot', query, vectors.get(`${id}@${String(version)}`)!));
    }
    expect(new Set(found.map(({ idKey }) => idKey.toString('hex'))).size).toBe(found.length);
  }
  await writer;
  expect(searches).toBeGreaterThan(5);
  await expectEqualsOracle(node, oracle, { metric: 'dot', random });
  await close(node);
});

test('an index with many dead slots is made anew beside writes and searches, and its memory is freed', async () => {
  const random = seededRandom(17);
  const oracle: Oracle = new Map();
  const node = await openNode(directory, 'euclidean');
  const usage = (): { dead: number; bytes: number } => node.host.stats()[0] ?? { dead: 0, bytes: 0 };
  while (usage().dead < 3_000) await randomTurn(node.host, oracle, random);
  const before = usage();
  node.clock.advance(5_000);
  let turns = 0;
  for (; node.host.indexRebuilds() === 0; turns++) {
    await randomTurn(node.host, oracle, random);
    await expectEqualsOracle(node, oracle, { metric: 'euclidean', random });
    node.clock.advance(10);
  }
  await expectEqualsOracle(node, oracle, { metric: 'euclidean', random });
  expect(usage().dead).toBeLessThan(100 * (turns + 1));
  expect(usage().bytes).toBeLessThan(before.bytes / 2);
  await randomTurn(node.host, oracle, random);
  await expectEqualsOracle(node, oracle, { metric: 'euclidean', random });
  await close(node);
});
