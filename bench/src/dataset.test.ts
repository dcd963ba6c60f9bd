import { exactNeighbours, loadDataset } from './dataset.ts';

test('the sample holds a payload for every vector and queries of the same dimension', async () => {
  const data = await loadDataset('sample');
  expect(data.count).toBe(4000);
  expect(data.payloads).toHaveLength(data.count);
  expect(data.queries.length % data.dimension).toBe(0);
});

test('the exact neighbours of a point of the set begin with the point itself', async () => {
  const data = await loadDataset('sample');
  const itself = { ...data, queries: data.vectors.slice(0, 2 * data.dimension), queryCount: 2 };
  expect(exactNeighbours(itself, 3).map((ids) => ids[0])).toEqual([0, 1]);
});
