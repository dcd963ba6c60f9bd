import { MemoryKv, WriteBatch } from '../storage/index.ts';
import { Flusher } from './flusher.ts';
import type { ShardState } from './shard-state.ts';

const state = (shard: number, applied: number, generation = 1): ShardState => ({
  shard,
  generation,
  applied,
  term: 1,
  journalAfter: 0,
  logTimeMs: 0,
  retryRows: 0,
  collections: new Map(),
});

/** A store whose flushes end when told. */
class GatedKv extends MemoryKv {
  readonly #gates: (() => void)[] = [];
  flushes = 0;

  constructor() {
    super('data');
  }

  override async flush(): Promise<void> {
    this.flushes += 1;
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    await super.flush();
  }

  async release(): Promise<void> {
    for (let round = 0; this.#gates.length === 0 && round < 1000; round++) await Promise.resolve();
    const gate = this.#gates.shift();
    if (gate === undefined) throw new Error('no flush is waiting');
    gate();
  }
}

function flusherOver(kv: MemoryKv, states: Map<number, ShardState>): { flusher: Flusher; failures: Error[] } {
  const failures: Error[] = [];
  const onFailure = (error: Error): void => void failures.push(error);
  const flusher = new Flusher({ kv, intervalEntries: 100, states: () => states.values(), onFailure });
  return { flusher, failures };
}

test('only what was applied before a completed flush began is durable', async () => {
  const [kv, states] = [new GatedKv(), new Map([[0, state(0, 10)]])];
  const { flusher } = flusherOver(kv, states);
  const flushing = flusher.flush();
  states.set(0, state(0, 20));
  expect(flusher.durableApplied(0)).toBe(0);
  await kv.release();
  await flushing;
  expect(flusher.durableApplied(0)).toBe(10);
});

test('a flush asked for while one runs is a later one, shared by all who ask', async () => {
  const [kv, states] = [new GatedKv(), new Map([[0, state(0, 10)]])];
  const { flusher } = flusherOver(kv, states);
  const first = flusher.flush();
  states.set(0, state(0, 20));
  const later = [flusher.flush(), flusher.flush(), flusher.flush()];
  await kv.release();
  await first;
  await kv.release();
  await Promise.all(later);
  expect(kv.flushes).toBe(2);
  expect(flusher.durableApplied(0)).toBe(20);
});

test('an interval of applied entries starts a flush that covers every shard', async () => {
  const [kv, states] = [
    new GatedKv(),
    new Map([
      [0, state(0, 99)],
      [1, state(1, 7)],
    ]),
  ];
  const { flusher } = flusherOver(kv, states);
  flusher.noteApplied(state(0, 99));
  expect(kv.flushes).toBe(0);
  states.set(0, state(0, 100));
  flusher.noteApplied(state(0, 100));
  flusher.noteApplied(state(0, 100));
  expect(kv.flushes).toBe(1);
  const covered = flusher.flush();
  await kv.release();
  await kv.release();
  await covered;
  expect([flusher.durableApplied(0), flusher.durableApplied(1)]).toEqual([100, 7]);
});

test('a new generation starts at nothing, however far the old one was', () => {
  const kv = new GatedKv();
  const { flusher } = flusherOver(kv, new Map());
  flusher.opened(state(0, 5000));
  flusher.noteApplied(state(0, 5050));
  expect(kv.flushes).toBe(0);
  flusher.noteApplied(state(0, 5050, 2));
  expect(kv.flushes).toBe(1);
});

test('a failed flush is reported, rejects for everyone who waited, and makes nothing durable', async () => {
  const [kv, states] = [new MemoryKv('data'), new Map([[0, state(0, 10)]])];
  const { flusher, failures } = flusherOver(kv, states);
  await kv.write(new WriteBatch().put(Buffer.from('k'), Buffer.from('v')), { sync: false });
  kv.failNextWrite();
  const outcomes = await Promise.allSettled([flusher.flush(), flusher.flush()]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(failures.length).toBeGreaterThan(0);
  expect(flusher.durableApplied(0)).toBe(0);
});
