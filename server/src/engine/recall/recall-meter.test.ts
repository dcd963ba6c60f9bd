import { FakeClock, seededRandom } from '../../base/index.ts';
import type { CollectionIndex } from '../collection-index.ts';
import type { RecallSample, SampledRecall } from '../vector-index-port.ts';
import { RecallMeter } from './recall-meter.ts';

const SHARDS = [{ shard: 0, generation: 1 }];

/** An index whose searches with `ef` candidates miss results in a known way. */
class PretendedIndex {
  slots = 10_000;
  unlinked = 0;

  stats(): object {
    return { slots: this.slots, live: this.slots, unlinked: this.unlinked };
  }

  /** Of queries, a tenth is missed below 40 candidates; of points, a half below 80. */
  sampleRecall({ queries, k, efs }: RecallSample): Promise<SampledRecall> {
    if (typeof queries === 'object')
      return Promise.resolve({ wanted: k, found: efs.map((ef) => (ef >= 40 ? k : Math.floor(0.9 * k))) });
    const wanted = queries * k;
    return Promise.resolve({ wanted, found: efs.map((ef) => (ef >= 80 ? wanted : wanted / 2)) });
  }
}

async function measured(meter: RecallMeter, clock: FakeClock): Promise<void> {
  let isDone = false as boolean;
  const measuring = meter.measure(SHARDS, new AbortController().signal).finally(() => (isDone = true));
  while (!isDone) {
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await measuring;
}

function setUp(): { index: PretendedIndex; meter: RecallMeter; clock: FakeClock } {
  const [index, clock] = [new PretendedIndex(), new FakeClock()];
  const meter = new RecallMeter(index as unknown as CollectionIndex, { clock, random: seededRandom(1) });
  return { index, meter, clock };
}

test('without queries recall is that of points, and unknown before', async () => {
  const { meter, clock } = setUp();
  expect([meter.efFor(0.9, 10), meter.recallAt(100)]).toEqual([undefined, undefined]);
  expect(meter.isDue()).toBe(true);
  await measured(meter, clock);
  expect([meter.efFor(0.99, 10), meter.recallAt(20), meter.recallAt(100)]).toEqual([80, 0.5, 1]);
  expect(meter.isDue()).toBe(false);
});

test('as soon as there are enough queries they decide', async () => {
  const { meter, clock } = setUp();
  await measured(meter, clock);
  for (let n = 0; n < 512; n += 1) meter.noteQuery(Float32Array.of(n));
  expect(meter.isDue()).toBe(true);
  await measured(meter, clock);
  expect([meter.efFor(1, 10), meter.efFor(0.8, 10), meter.recallAt(20)]).toEqual([40, 10, 0.9]);
  expect(meter.isDue()).toBe(false);
});

test('searches for more results take more candidates, at least as many as results', async () => {
  const { meter, clock } = setUp();
  await measured(meter, clock);
  expect([meter.efFor(0.99, 100), meter.efFor(0.99, 1_000), meter.efFor(0.5, 7)]).toEqual([100, 1_000, 10]);
});

test('an index that has grown is measured anew, one that is being linked later', async () => {
  const { index, meter, clock } = setUp();
  await measured(meter, clock);
  index.slots = 11_900;
  expect(meter.isDue()).toBe(false);
  index.slots = 12_100;
  expect(meter.isDue()).toBe(true);
  index.unlinked = 2_000;
  expect(meter.isDue()).toBe(false);
});

test('measuring ends when it is told to', async () => {
  const { meter } = setUp();
  const closing = new AbortController();
  const measuring = meter.measure(SHARDS, closing.signal);
  closing.abort(new Error('closed'));
  await expect(measuring).rejects.toThrow('closed');
  expect(meter.recallAt(100)).toBeUndefined();
});
