import { SearchGatherer } from './search-gatherer.ts';

const shards = [{ shard: 0, generation: 1 }];
const PLAIN = { k: 1, ef: 10, exact: false, shards };

function setUp(): { gatherer: SearchGatherer; calls: number[][] } {
  const calls: number[][] = [];
  const gatherer = new SearchGatherer((queries) => {
    calls.push(queries.map(([first]) => first as number));
    if (queries.some(([first]) => first === 13)) return Promise.reject(new Error('refused'));
    return Promise.resolve(queries.map(([score]) => [{ score, ...HIT }] as never));
  });
  return { gatherer, calls };
}

const HIT = { shard: 0, generation: 1, version: 1, isInteger: true, id: Buffer.of(1) };
const query = (value: number): Float32Array => Float32Array.of(value);

test('searches of one turn cross together, each with its own answer', async () => {
  const { gatherer, calls } = setUp();
  const answers = await Promise.all([1, 2, 3].map((value) => gatherer.search(query(value), PLAIN)));
  expect(calls).toEqual([[1, 2, 3]]);
  expect(answers.map(([hit]) => hit?.score)).toEqual([1, 2, 3]);
});

test('searches with other parameters, or other shards, cross by themselves', async () => {
  const { gatherer, calls } = setUp();
  const others = [
    { ...PLAIN, k: 2 },
    { ...PLAIN, ef: 11 },
    { ...PLAIN, exact: true },
    { ...PLAIN, shards: [...shards] },
  ];
  await Promise.all([PLAIN, ...others, PLAIN].map((o, i) => gatherer.search(query(i), o)));
  expect(calls).toEqual([[0, 5], [1], [2], [3], [4]]);
});

test('a later turn is another crossing, and what was gathered can be started early', async () => {
  const { gatherer, calls } = setUp();
  await gatherer.search(query(1), PLAIN);
  const second = gatherer.search(query(2), PLAIN);
  gatherer.flush();
  expect(calls).toEqual([[1], [2]]);
  await second;
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toHaveLength(2);
});

test('a call that fails fails the searches that crossed with it, and no others', async () => {
  const { gatherer } = setUp();
  const settled = await Promise.allSettled([
    gatherer.search(query(12), PLAIN),
    gatherer.search(query(13), PLAIN),
    gatherer.search(query(14), { ...PLAIN, k: 2 }),
  ]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});
