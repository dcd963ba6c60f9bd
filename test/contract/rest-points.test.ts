import { errorOf, type Rest, startRest } from './support/rest.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.close());
beforeEach(async () => {
  const ids = (await rest.call('POST', '/vectors/scroll', { limit: 10_000 })).json['points'] as {
    id: unknown;
  }[];
  if (ids.length > 0) await rest.call('POST', '/vectors/delete', { ids: ids.map(({ id }) => id) });
});

test('one point: written, read, found and deleted, as the contract prints it', async () => {
  const written = await rest.call('POST', '/vectors', {
    id: 'a',
    vector: [0.1, 0.2, 0.3],
    payload: { t: 'x' },
  });
  expect(written.status).toBe(200);
  expect(written.json).toEqual({
    id: 'a',
    status: 'ok',
    shard: expect.any(Number) as number,
    version: expect.any(Number) as number,
  });
  const read = await rest.call('GET', '/vectors/a?with_vector=true&consistency=strong');
  const { shard, version } = written.json;
  expect(read.json).toEqual({ id: 'a', vector: [0.1, 0.2, 0.3], payload: { t: 'x' }, version, shard });
  const found = await rest.call('POST', '/vectors/search', { vector: [0.1, 0.2, 0.3] });
  expect(found.json).toEqual({
    results: [{ id: 'a', score: expect.closeTo(1, 6) as number, payload: { t: 'x' } }],
    took_ms: expect.any(Number) as number,
  });
  expect((await rest.call('DELETE', '/vectors/a')).json).toEqual({ id: 'a', status: 'ok', deleted: true });
  expect((await rest.call('DELETE', '/vectors/a')).json).toEqual({ id: 'a', status: 'ok', deleted: false });
  const gone = await rest.call('GET', '/vectors/a');
  expect([gone.status, errorOf(gone).code]).toEqual([404, 'NOT_FOUND']);
});

test('many points: counts, versions by shard, batches of searches', async () => {
  const points = Array.from({ length: 40 }, (_, i) => ({ id: i, vector: [1, i, 0], payload: { i } }));
  const written = await rest.call('POST', '/vectors', { points: [...points, { id: 7, vector: [1, 7, 1] }] });
  expect(written.json).toMatchObject({ status: 'ok', upserted: 40 });
  const versions = written.json['versions'] as { shard: number; version: number }[];
  expect(versions.map(({ shard }) => shard)).toEqual([0, 1, 2, 3]);
  expect((await rest.call('POST', '/vectors/count', {})).json).toEqual({ count: 40 });
  // The last of equal ids won.
  expect((await rest.call('GET', '/vectors/7?with_vector=true')).json).toMatchObject({
    vector: [1, 7, 1],
    payload: {},
  });
  const searches = [
    { vector: [1, 0, 0], limit: 1 },
    { vector: [1, 39, 0], limit: 2, with_payload: false },
  ];
  const batch = await rest.call('POST', '/vectors/search/batch', { searches });
  expect(batch.json['results']).toEqual([
    [{ id: 0, score: 1, payload: { i: 0 } }],
    [
      { id: 39, score: 1 },
      { id: 38, score: expect.any(Number) as number },
    ],
  ]);
  expect((await rest.call('POST', '/vectors/delete', { ids: [1, 2, 2, 99] })).json).toEqual({
    status: 'ok',
    deleted: 2,
  });
});

test('a scroll goes through all pages without gaps or repeats', async () => {
  const ids = [5, 18446744073709551615n, '0b9f2c7e-1111-4222-8333-444455556666', 'B', 'a', 10].map(String);
  await rest.call('POST', '/vectors', { points: ids.map((id) => ({ id, vector: [1, 2, 3] })) });
  const seen: unknown[] = [];
  let cursor: unknown;
  do {
    const body = { limit: 4, with_payload: false, ...(typeof cursor === 'string' && { cursor }) };
    const page = await rest.call('POST', '/vectors/scroll', body);
    expect(page.status).toBe(200);
    for (const { id } of page.json['points'] as { id: unknown }[]) seen.push(id);
    cursor = page.json['next_cursor'];
  } while (cursor !== null);
  expect(seen).toEqual(['5', '10', '18446744073709551615', '0b9f2c7e-1111-4222-8333-444455556666', 'B', 'a']);
});

test('an id comes back in the JSON type last written, and every digit of it', async () => {
  const largest = '18446744073709551615';
  await rest.call('POST', '/vectors', `{"id":${largest},"vector":[1,2,3],"payload":{"n":9007199254740993}}`);
  const read = await rest.call('GET', `/vectors/${largest}`);
  expect(read.text).toContain(`{"id":${largest},"payload":{"n":9007199254740993},`);
  await rest.call('POST', '/vectors', { id: largest, vector: [1, 2, 3] });
  expect((await rest.call('GET', `/vectors/${largest}`)).json['id']).toBe(largest);
});

test('an id with any characters is reached percent-encoded', async () => {
  for (const id of ['a/b', 'ä ö?&', '%', '..', 'search', 'x'.repeat(512)]) {
    await rest.call('POST', '/vectors', { id, vector: [1, 2, 3] });
    const path = id === '..' ? '/vectors/%2e%2e%00'.replace('%00', '') : `/vectors/${encodeURIComponent(id)}`;
    if (id === '..') continue; // Clients resolve dot segments before they send them.
    expect((await rest.call('GET', path)).json).toMatchObject({ id });
  }
});

test('float32 values come back exactly, in the shortest form', async () => {
  const vector = [0.1, -16777216, 3.4e-38];
  await rest.call('POST', '/vectors', { id: 'f', vector });
  expect((await rest.call('GET', '/vectors/f?with_vector=true')).text).toContain(
    '"vector":[0.1,-16777216,3.4e-38]',
  );
});

test('a search may be a raw float32 body with its parameters in the query', async () => {
  await rest.call('POST', '/vectors', {
    points: [1, 2, 3].map((i) => ({ id: i, vector: [1, i, 0], payload: { i } })),
  });
  const type = { 'content-type': 'application/x-grape-f32' };
  const body = new Uint8Array(new Float32Array([1, 2, 0]).buffer);
  const path = '/vectors/search?limit=1&with_payload=false&exact=true&consistency=leader';
  const found = await rest.call('POST', path, body, type);
  expect(found.json['results']).toEqual([{ id: 2, score: 1 }]);
  const short = await rest.call('POST', '/vectors/search', body.subarray(0, 7), type);
  expect([short.status, errorOf(short).code]).toEqual([400, 'INVALID_VECTOR']);
  const nan = new Uint8Array(new Float32Array([1, NaN, 0]).buffer);
  expect((await rest.call('POST', '/vectors/search', nan, type)).status).toBe(400);
  expect((await rest.call('POST', '/vectors', body, type)).status).toBe(415);
});

test('every answer names the node, the request and the leader', async () => {
  for (const path of ['/vectors/none', '/health', '/cluster/info', '/nowhere', '/metrics', '/cluster/join']) {
    const answer = await rest.call('GET', path);
    expect(answer.headers.get('x-grape-node')).toBe('node-1');
    expect(answer.headers.get('x-grape-leader')).toBe('node-1');
    expect(answer.headers.get('x-grape-request-id')).toMatch(/^[\w-]{5,}$/);
  }
  const mine = await rest.call('GET', '/health', undefined, { 'x-grape-request-id': 'my-own:1' });
  expect(mine.headers.get('x-grape-request-id')).toBe('my-own:1');
  const bad = await rest.call('GET', '/health', undefined, { 'x-grape-request-id': 'two words' });
  expect(bad.headers.get('x-grape-request-id')).not.toBe('two words');
});

test.each([
  ['application/json', 200],
  ['application/json; charset=utf-8', 200],
  ['Application/JSON', 200],
  ['application/x-www-form-urlencoded', 200],
  ['application/json; charset=latin1', 415],
  ['text/plain', 415],
  ['multipart/form-data', 415],
])('a body of type %s: %i', async (type, status) => {
  const answer = await rest.call('POST', '/vectors', '{"id":1,"vector":[1,2,3]}', { 'content-type': type });
  expect(answer.status).toBe(status);
  if (status === 415) expect(errorOf(answer).code).toBe('UNSUPPORTED_MEDIA_TYPE');
});

test('a body without a type is JSON', async () => {
  const body = '{"id":1,"vector":[1,2,3]}';
  const head = `POST /vectors HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
  expect(await rest.raw(head + body)).toMatch(/^HTTP\/1.1 200 /);
});

test('a body above 256 KB is parsed elsewhere with the same result, and the same refusals', async () => {
  const text = 'x'.repeat(300);
  const points = Array.from({ length: 1000 }, (_, i) => ({
    id: i,
    vector: [0.123, i, 1],
    payload: { i, text },
  }));
  const answer = await rest.call('POST', '/vectors', { points });
  expect(answer.json).toMatchObject({ upserted: 1000 });
  expect((await rest.call('GET', '/vectors/999')).json).toMatchObject({ id: 999, payload: { i: 999 } });
  const withBadPoint = points.map((point, i) => (i === 800 ? { ...point, vector: [1, 2] } : point));
  const bad = await rest.call('POST', '/vectors', { points: withBadPoint });
  expect([bad.status, errorOf(bad).code]).toEqual([400, 'DIMENSION_MISMATCH']);
  expect(errorOf(bad).message).toContain('points[800].vector');
});

test('status pages', async () => {
  expect((await rest.call('GET', '/livez')).status).toBe(200);
  expect((await rest.call('GET', '/readyz')).status).toBe(200);
  expect((await rest.call('GET', '/health')).json).toEqual({
    status: 'healthy',
    node_id: 'node-1',
    version: '9.9.9',
    uptime_seconds: expect.any(Number) as number,
    role: 'leader',
    leader_id: 'node-1',
  });
  const metrics = await rest.call('GET', '/metrics');
  expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(metrics.text).toMatch(/grape_queries_total\{op="upsert",status="ok"\} \d+/);
  expect(metrics.text).toMatch(/grape_network_received_bytes_total\{plane="rest"\} [1-9]/);
  expect(metrics.text).toMatch(/grape_network_sent_bytes_total\{plane="rest"\} [1-9]/);
  expect((await rest.call('HEAD', '/health')).text).toBe('');
});

describe('a filter', () => {
  const filter = { must: { key: 'n', range: { gte: 3 } } };

  beforeEach(async () => {
    const points = [1, 2, 3, 4, 5].map((n) => ({ id: n, vector: [n, 1, 0], payload: { n } }));
    await rest.call('POST', '/vectors', { points });
  });

  test('limits a search, also one of a batch', async () => {
    const search = { vector: [1, 1, 0], with_payload: false };
    const found = await rest.call('POST', '/vectors/search/batch', {
      searches: [search, { ...search, filter }],
    });
    const [all, some] = found.json['results'] as { id: number }[][];
    expect(all?.map(({ id }) => id)).toHaveLength(5);
    expect(some?.map(({ id }) => id).sort()).toEqual([3, 4, 5]);
  });

  test('limits a scroll and a count', async () => {
    const first = await rest.call('POST', '/vectors/scroll', { filter, limit: 2 });
    expect((first.json['points'] as { id: number }[]).map(({ id }) => id)).toEqual([3, 4]);
    const second = await rest.call('POST', '/vectors/scroll', { filter, cursor: first.json['next_cursor'] });
    expect((second.json['points'] as { id: number }[]).map(({ id }) => id)).toEqual([5]);
    expect(second.json['next_cursor']).toBeNull();
    expect((await rest.call('POST', '/vectors/count', { filter })).json).toEqual({ count: 3 });
  });

  test('that is wrong is refused with the place', async () => {
    const wrong = { must: [{ key: 'n', range: { gte: 3, lt: 1 } }] };
    const answer = await rest.call('POST', '/vectors/count', { filter: wrong });
    expect([answer.status, errorOf(answer)]).toMatchObject([
      400,
      { code: 'INVALID_FILTER', message: 'filter.must[0].range has a lower bound above its upper one' },
    ]);
  });
});
