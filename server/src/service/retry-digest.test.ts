import type { PointWrite } from '../model/index.ts';
import { parsePointId } from '../model/index.ts';
import { digestOf } from './retry-digest.ts';
import type { PlannedEntry } from './write-plan.ts';

const point = (id: string | number, vector: number[], payload = '{}'): PointWrite => ({
  id: parsePointId(id),
  vector: Buffer.from(new Float32Array(vector).buffer),
  payload: Buffer.from(payload),
});
const upsert = (...points: PointWrite[]): PlannedEntry => ({
  shard: 0,
  command: { kind: 'upsert', collection: 1, points },
});
const remove = (...ids: string[]): PlannedEntry => ({
  shard: 0,
  command: { kind: 'delete', collection: 1, ids: ids.map((id) => parsePointId(id).key) },
});

test('is of 16 bytes and the same for the same write', async () => {
  const plan = [upsert(point('a', [1, 2], '{"x":1}'))];
  expect(await digestOf(plan)).toHaveLength(16);
  expect(await digestOf(plan)).toEqual(await digestOf([upsert(point('a', [1, 2], '{"x":1}'))]));
});

test('differs whenever the write differs', async () => {
  const plans = [
    [],
    [upsert(point('a', [1, 2]))],
    [upsert(point('b', [1, 2]))],
    [upsert(point(5, [1, 2]))],
    [upsert(point('5', [1, 2]))],
    [upsert(point('a', [1, 3]))],
    [upsert(point('a', [1, 2], '{"x":1}'))],
    [upsert(point('a', [1, 2]), point('b', [1, 2]))],
    [remove('a')],
    [remove('a', 'b')],
    [remove('ab')],
  ];
  const digests = await Promise.all(plans.map(async (plan) => (await digestOf(plan)).toString('hex')));
  expect(new Set(digests).size).toBe(plans.length);
});
