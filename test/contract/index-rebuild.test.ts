import { NaiveIndexes } from '../../server/src/engine/testing/naive-indexes.ts';
import { isWorthRebuilding } from '../../server/src/engine/index-rebuilder.ts';
import type { CommittedEntry } from '../../server/src/shard/index.ts';
import { entry, point, remove, upsert } from '../../server/src/shard/testing/commands.ts';
import type { MemoryKv } from '../../server/src/storage/index.ts';
import { ShardWorld, until } from '../support/shard-world.ts';

const POINTS = 2_000;
const SHARDS = [0, 1];
const CHECK_PERIOD_MS = 5_000;
const RETRY_MS = 5 * 60_000;
/** So large that reading a shard takes many steps. */
const PAYLOAD = { text: 'x'.repeat(4_000) };

/** Reads of many points take turns with everything else. */
function unhurriedly(kv: MemoryKv): MemoryKv {
  const iterate = kv.iterate.bind(kv);
  kv.iterate = (range, options) => unhurried(iterate(range, options));
  return kv;
}

async function* unhurried<T>(chunks: AsyncIterable<T>): AsyncIterable<T> {
  for await (const chunk of chunks) {
    await others(8);
    yield chunk;
  }
}

/** Lets everything else go on for some turns of the event loop. */
async function others(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A world of which a third of the slots is dead, and what its log says of every shard: id to version. */
class Aged {
  readonly world: ShardWorld;
  readonly oracle = new Map(SHARDS.map((shard) => [shard, new Map<string, number>()]));
  readonly #next = new Map(SHARDS.map((shard) => [shard, 1]));

  constructor(indexes = new NaiveIndexes()) {
    this.world = new ShardWorld({ shards: SHARDS });
    this.world.indexes = indexes;
    unhurriedly(this.world.kv);
  }

  async open(): Promise<this> {
    await this.world.open();
    const ids = Array.from({ length: POINTS / SHARDS.length }, (_, n) => n);
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < ids.length; at += 100) {
        const some = round === 0 ? ids.slice(at, at + 100) : ids.slice(at / 2, at / 2 + 50);
        for (const shard of SHARDS) await this.put(shard, some);
      }
    }
    for (const shard of SHARDS) await this.drop(shard, ids.slice(0, 200));
    return this;
  }

  put(shard: number, ids: readonly number[]): Promise<void> {
    const index = this.#take(shard);
    for (const id of ids) this.oracle.get(shard)?.set(String(id), index);
    const points = ids.map((id) => point(String(id), [1, id, index], PAYLOAD));
    return this.#apply(shard, entry(index, upsert(...points)));
  }

  drop(shard: number, ids: readonly number[]): Promise<void> {
    const index = this.#take(shard);
    for (const id of ids) this.oracle.get(shard)?.delete(String(id));
    return this.#apply(shard, entry(index, remove(...ids.map(String))));
  }

  /** An exact search finds every point of the log in its last version, and nothing else. */
  async expectAllFound(): Promise<void> {
    const expected = [...this.oracle.values()].flatMap((points) => [...points.values()].map(String)).sort();
    const found = (await this.world.found()).map((hit) => hit.split('@')[1]).sort();
    expect(found).toEqual(expected);
  }

  get dead(): number {
    return this.world.host.stats()[0]?.dead ?? 0;
  }

  get rebuilds(): number {
    return this.world.host.indexRebuilds();
  }

  /** As if the log of the shard began anew. */
  forget(shard: number): void {
    this.oracle.get(shard)?.clear();
    this.#next.set(shard, 1);
  }

  #take(shard: number): number {
    const index = this.#next.get(shard) ?? 1;
    this.#next.set(shard, index + 1);
    return index;
  }

  async #apply(group: number, one: CommittedEntry): Promise<void> {
    await this.world.host.apply([{ group, entries: [one] }]);
  }
}

/** Resolves when the new index has taken some points: the rebuild is somewhere in the middle. */
async function beginRebuild({ world }: Aged): Promise<void> {
  world.indexes.upserts = 0;
  world.clock.advance(CHECK_PERIOD_MS);
  for (let step = 0; world.indexes.upserts === 0 && step < 10_000; step++) {
    await others(1);
  }
  expect(world.indexes.upserts).toBeGreaterThan(0);
  expect(world.indexes.upserts).toBeLessThan(POINTS / 2);
}

test.each([
  [100_000, 24_999, false],
  [100_000, 25_000, true],
  [1_001, 999, false],
  [1_001, 1_001, true],
])('of %i slots %i dead ones are worth a rebuild: %s', (slots, dead, isWorth) => {
  expect(isWorthRebuilding({ slots, dead })).toBe(isWorth);
});

test('dead slots are freed, and nothing is missing or stale at any moment of it', async () => {
  const aged = await new Aged().open();
  expect(aged.dead).toBeGreaterThan(1_000);
  await beginRebuild(aged);
  let steps = 0;
  // Points before, behind and right where the new index is being filled are replaced, removed and added.
  for (; aged.rebuilds < 1 && steps < 1_000; steps++) {
    const shard = steps % 2;
    const id = (steps * 37) % 1_000;
    if (steps % 3 === 0) await aged.drop(shard, [id, id + 1]);
    else await aged.put(shard, [id, 10_000 + steps]);
    await aged.expectAllFound();
    await others(1);
  }
  expect(steps).toBeGreaterThan(5);
  expect(aged.rebuilds).toBe(1);
  await aged.expectAllFound();
  expect(aged.dead).toBeLessThan(4 * steps);
  for (let step = 0; step < 10; step++) {
    await aged.put(step % 2, [step, 5_000 + step]);
    await aged.drop(step % 2, [step + 50]);
    await aged.expectAllFound();
  }
  await aged.world.stop();
  aged.world.indexes.upserts = 0;
  await aged.world.open();
  expect(aged.world.indexes.upserts).toBe(0);
  await aged.expectAllFound();
});

test('searches that run across the switch find what was there', async () => {
  const aged = await new Aged().open();
  const before = await aged.world.found();
  await beginRebuild(aged);
  const searches: Promise<string[]>[] = [];
  for (let round = 0; aged.rebuilds === 0 && round < 10_000; round++) {
    searches.push(aged.world.found());
    await others(1);
  }
  expect(aged.rebuilds).toBe(1);
  for (const found of await Promise.all(searches)) expect(found).toEqual(before);
});

test('a crash in the middle leaves the file before, which the journal still reaches', async () => {
  const aged = await new Aged().open();
  await aged.world.stop();
  unhurriedly(aged.world.kv);
  await aged.world.open();
  // Dead slots of a file are not kept apart by the naive index: make some again.
  for (let at = 0; at < 700; at += 50) for (const shard of SHARDS) await putFifty(aged, shard, at + 200);
  await aged.world.host.flush();
  await beginRebuild(aged);
  await aged.put(0, [900, 9_000]);
  await aged.drop(1, [901]);
  await aged.world.host.flush();
  expect(aged.rebuilds).toBe(0);
  aged.world.indexes.upserts = 0;
  await aged.world.crash().open();
  expect(aged.world.indexes.upserts).toBeLessThan(POINTS);
  await aged.expectAllFound();
});

function putFifty(aged: Aged, shard: number, from: number): Promise<void> {
  return aged.put(
    shard,
    Array.from({ length: 50 }, (_, n) => from + n),
  );
}

test('a save of the index before does not take the journal away from the new one', async () => {
  const aged = await new Aged().open();
  await beginRebuild(aged);
  aged.world.clock.advance(RETRY_MS);
  const journalRows = async (): Promise<number> =>
    (await aged.world.rows()).filter((row) => row.startsWith('03')).length;
  for (let step = 0; aged.rebuilds < 1 && step < 1_000; step++) {
    await aged.put(step % 2, [step]);
    if (aged.rebuilds === 0) expect(await journalRows()).toBeGreaterThan(step);
  }
  expect(aged.rebuilds).toBe(1);
  expect(aged.world.indexes.files.size).toBe(1);
  await aged.expectAllFound();
});

test('closing in the middle gives the new index up', async () => {
  const aged = await new Aged().open();
  await beginRebuild(aged);
  await aged.world.stop();
  expect(aged.world.indexes.upserts).toBeLessThan(POINTS);
  await aged.world.open();
  await aged.expectAllFound();
});

test('a shard whose state is replaced in the middle is read anew', async () => {
  const aged = await new Aged().open();
  await beginRebuild(aged);
  await aged.world.host.reset(0);
  aged.forget(0);
  await aged.put(0, [1, 2, 3]);
  await aged.expectAllFound();
  await until(() => aged.rebuilds === 1);
  await aged.put(0, [3, 4]);
  await aged.expectAllFound();
});

/** Indexes of which the first serves, and the next two cannot take everything. */
class NarrowIndexes extends NaiveIndexes {
  #made = 0;
  refused = 0;

  override create(options: Parameters<NaiveIndexes['create']>[0]): ReturnType<NaiveIndexes['create']> {
    const index = super.create(options);
    this.#made += 1;
    const isRefused = REFUSED[this.#made];
    if (isRefused === undefined) return index;
    const apply = index.apply.bind(index);
    index.apply = (batch) => {
      if (!isRefused(batch.count)) return apply(batch);
      this.refused += 1;
      return Promise.reject(Object.assign(new Error('no room for more slots'), { code: 'INDEX_FULL' }));
    };
    return index;
  }
}

/** By the number of the index: changes of a turn, then points of the store. */
const REFUSED: Record<number, (changes: number) => boolean> = {
  2: (changes) => changes === 3,
  3: (changes) => changes > 3,
};

test('a new index that cannot take a change is given up, and tried again five minutes later', async () => {
  const indexes = new NarrowIndexes();
  const aged = await new Aged(indexes).open();
  for (let failures = 1; failures <= 2; failures++) {
    aged.world.clock.advance(RETRY_MS + CHECK_PERIOD_MS);
    for (let step = 0; indexes.refused < failures && step < 1_000; step++) {
      await aged.put(0, [step, step + 1, step + 2]);
      await others(1);
    }
    expect(indexes.refused).toBe(failures);
    await aged.expectAllFound();
    await others(100);
  }
  aged.world.clock.advance(CHECK_PERIOD_MS);
  await others(100);
  expect(aged.rebuilds).toBe(0);
  aged.world.clock.advance(RETRY_MS);
  await until(() => aged.rebuilds === 1);
  await aged.expectAllFound();
});

test('without memory for a second index nothing is rebuilt until there is some', async () => {
  const aged = await new Aged().open();
  const { live = 0 } = aged.world.host.stats()[0] ?? {};
  aged.world.memoryLeft = 110 * live;
  aged.world.clock.advance(CHECK_PERIOD_MS);
  await others(100);
  expect(aged.rebuilds).toBe(0);
  await aged.expectAllFound();
  aged.world.memoryLeft = 130 * live;
  aged.world.clock.advance(CHECK_PERIOD_MS);
  await until(() => aged.rebuilds === 1);
  await aged.expectAllFound();
});
