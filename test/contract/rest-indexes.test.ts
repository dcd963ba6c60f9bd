import { errorOf, type Rest, startRest } from './support/rest.ts';

let rest: Rest;
beforeEach(async () => {
  rest = await startRest();
});
afterEach(() => rest.close());

const index = { field: 'address.city', type: 'keyword' };

test('an index is made, listed and dropped', async () => {
  const made = await rest.call('POST', '/indexes', index);
  const info = { ...index, state: 'building', points: 0, skipped: 0 };
  expect([made.status, made.json]).toEqual([202, info]);
  expect((await rest.call('GET', '/indexes')).json).toEqual({ indexes: [info] });
  rest.node.shards.indexes = [{ number: 0, isReady: true, points: 7, skipped: 2 }];
  const ready = { ...index, state: 'ready', points: 7, skipped: 2 };
  expect((await rest.call('GET', '/indexes')).json).toEqual({ indexes: [ready] });
  const dropped = await rest.call('DELETE', '/indexes/address.city');
  expect(dropped.json).toEqual({ field: 'address.city', status: 'ok', deleted: true });
  expect((await rest.call('DELETE', '/indexes/address.city')).json['deleted']).toBe(false);
  expect((await rest.call('GET', '/indexes')).json).toEqual({ indexes: [] });
});

test('an index of another type on the same field is refused', async () => {
  await rest.call('POST', '/indexes', index);
  const other = await rest.call('POST', '/indexes', { ...index, type: 'geo' });
  expect([other.status, errorOf(other).code]).toEqual([409, 'INDEX_CONFLICT']);
});

test('before the first write there is no collection to index', async () => {
  await rest.close();
  rest = await startRest({ dimension: undefined });
  expect((await rest.call('POST', '/indexes', index)).status).toBe(404);
  expect((await rest.call('GET', '/indexes')).json).toEqual({ indexes: [] });
});

test('a search is explained when asked', async () => {
  await rest.call('POST', '/vectors', { id: 1, vector: [1, 2, 3], payload: {} });
  const body = { vector: [1, 2, 3] };
  const { json } = await rest.call('POST', '/vectors/search?explain=true', body);
  const { nodes } = json['explain'] as { nodes: Record<string, unknown>[] };
  expect(nodes.map((node) => Object.keys(node).join())).toEqual([
    'node_id,shards,strategy,reason,points,matching,ef,rounds',
  ]);
  expect((await rest.call('POST', '/vectors/search', body)).json).not.toHaveProperty('explain');
});
