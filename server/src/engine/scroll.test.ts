import fc from 'fast-check';
import { mergeById } from './scroll.ts';
import type { StoredPoint } from './stored-point.ts';

const NOTHING = Buffer.alloc(0);

function pointOf(id: number, shard: number): StoredPoint {
  const idKey = Buffer.alloc(4);
  idKey.writeUInt32BE(id);
  return { idKey, shard, isInteger: true, version: 1, vector: NOTHING, payload: NOTHING };
}

/** Counts the sources that are open. */
class Sources {
  open = 0;

  async *of(points: readonly StoredPoint[], chunk: number): AsyncGenerator<StoredPoint[]> {
    this.open += 1;
    try {
      for (let at = 0; at < points.length; at += chunk) {
        await Promise.resolve();
        yield points.slice(at, at + chunk);
      }
    } finally {
      this.open -= 1;
    }
  }
}

test('sources in id order are merged into one in id order, up to the limit, and closed', async () => {
  const ids = fc.uniqueArray(fc.nat(1000), { maxLength: 60 });
  const shape = fc.record({ shards: fc.integer({ min: 1, max: 7 }), chunk: fc.integer({ min: 1, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(ids, shape, fc.integer({ min: 1, max: 70 }), async (all, { shards, chunk }, limit) => {
      const points = all.sort((a, b) => a - b).map((id, n) => pointOf(id, (n * 7 + id) % shards));
      const sources = new Sources();
      const open = Array.from({ length: shards }, (_, shard) =>
        sources.of(
          points.filter((point) => point.shard === shard),
          chunk,
        ),
      );
      const page = await mergeById(open, { limit });
      expect(page.points).toEqual(points.slice(0, limit));
      expect(page.through).toEqual(points.length < limit ? undefined : points[limit - 1]?.idKey);
      expect(sources.open).toBe(0);
    }),
  );
});

test('a source that fails rejects the merge and leaves nothing open', async () => {
  const sources = new Sources();
  async function* failing(): AsyncGenerator<StoredPoint[]> {
    yield [pointOf(0, 1)];
    await Promise.reject(new Error('damaged'));
  }
  const open = [sources.of([pointOf(1, 0), pointOf(2, 0)], 1), failing()];
  await expect(mergeById(open, { limit: 10 })).rejects.toThrow('damaged');
  expect(sources.open).toBe(0);
});
