import { errorOf, type Rest, startRest } from './support/rest.ts';

let rest: Rest;
beforeEach(async () => {
  rest = await startRest();
});
afterEach(() => rest.close());

const read = async (id: string): Promise<unknown> =>
  (await rest.call('GET', `/vectors/${id}`)).json['payload'];

async function write(id: string, payload: object, more: object = {}): Promise<number> {
  const answer = await rest.call('POST', '/vectors', { id, vector: [1, 2, 3], payload, ...more });
  expect(answer.status).toBe(200);
  return answer.json['version'] as number;
}

function expectMismatch(answer: Awaited<ReturnType<Rest['call']>>, message: string): void {
  expect([answer.status, errorOf(answer)]).toEqual([
    409,
    { code: 'VERSION_MISMATCH', message, retryable: false },
  ]);
}

describe('if_version', () => {
  test('an upsert replaces the version that it names and no other', async () => {
    const first = await write('a', { n: 1 });
    const second = await write('a', { n: 2 }, { if_version: first });
    const late = { id: 'a', vector: [1, 2, 3], payload: { n: 3 }, if_version: first };
    expectMismatch(await rest.call('POST', '/vectors', late), 'another version');
    expect(await read('a')).toEqual({ n: 2 });
    expect(second).toBeGreaterThan(first);
  });

  test('0 writes only what is not there', async () => {
    await write('a', { n: 1 }, { if_version: 0 });
    const again = { id: 'a', vector: [1, 2, 3], if_version: 0 };
    expect((await rest.call('POST', '/vectors', again)).status).toBe(409);
    expect(await read('a')).toEqual({ n: 1 });
  });

  test('a condition that cannot hold does not fix the dimension of an empty collection', async () => {
    await rest.close();
    rest = await startRest({ dimension: undefined });
    const refused = { id: 'a', vector: [1, 2], if_version: 3 };
    expectMismatch(
      await rest.call('POST', '/vectors', refused),
      'if_version is 3, but there is no such point',
    );
    await write('a', {});
  });

  test.each([
    ['by path', (version: number) => rest.call('DELETE', `/vectors/a?if_version=${version}`)],
    [
      'by ids',
      (version: number) => rest.call('POST', '/vectors/delete', { ids: ['a'], if_version: version }),
    ],
  ])('a delete %s takes the version that it names and no other', async (_, remove) => {
    const version = await write('a', { n: 1 });
    expect((await remove(version + 7)).status).toBe(409);
    expect(await read('a')).toEqual({ n: 1 });
    expect((await remove(version)).status).toBe(200);
    expect((await rest.call('GET', '/vectors/a')).status).toBe(404);
  });
});

describe('a patch', () => {
  test('sets and takes out keys, and keeps the vector and the JSON type of the id', async () => {
    await rest.call('POST', '/vectors', { id: 5, vector: [1, 2, 3], payload: { a: 1, b: { c: 2 }, d: [1] } });
    const patched = await rest.call('PATCH', '/vectors/5/payload', {
      set: { b: null, e: 'x' },
      unset: ['d', 'z'],
    });
    expect(patched.json).toMatchObject({ status: 'ok', version: expect.any(Number) as number });
    expect((await rest.call('GET', '/vectors/5?with_vector=true')).json).toMatchObject({
      id: 5,
      vector: [1, 2, 3],
      payload: { a: 1, b: null, e: 'x' },
      version: patched.json['version'],
    });
  });

  test('integers keep every digit', async () => {
    await rest.call('POST', '/vectors', '{"id":"a","vector":[1,2,3],"payload":{"n":9007199254740993}}');
    await rest.call('PATCH', '/vectors/a/payload', '{"set":{"m":18446744073709551615}}');
    expect((await rest.call('GET', '/vectors/a')).text).toContain(
      '{"n":9007199254740993,"m":18446744073709551615}',
    );
  });

  test('patches at the same time have all their effect', async () => {
    await write('a', {});
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    const answers = await Promise.all(
      keys.map((key) => rest.call('PATCH', '/vectors/a/payload', { set: { [key]: 1 } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(Object.keys((await read('a')) as object).sort()).toEqual([...keys].sort());
  });

  test('names a version, too', async () => {
    const version = await write('a', { n: 1 });
    const patch = { set: { n: 2 }, if_version: version };
    expect((await rest.call('PATCH', '/vectors/a/payload', patch)).status).toBe(200);
    expect((await rest.call('PATCH', '/vectors/a/payload', patch)).status).toBe(409);
  });

  test('that is repeated under its name has its effect once, also when the point is gone since', async () => {
    await write('a', { n: 1 });
    const name = { 'idempotency-key': 'k' };
    const patch = (set: object) => rest.call('PATCH', '/vectors/a/payload', { set }, name);
    const first = await patch({ n: 2 });
    await write('a', { n: 3 });
    expect((await patch({ n: 2 })).json).toEqual(first.json);
    expect(await read('a')).toEqual({ n: 3 });
    await rest.call('DELETE', '/vectors/a');
    expect((await patch({ n: 2 })).json).toEqual(first.json);
    expect(errorOf(await patch({ n: 4 })).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('of what is not there is 404, and stays so under its name', async () => {
    const name = { 'idempotency-key': 'k' };
    expect((await rest.call('PATCH', '/vectors/a/payload', { set: {} })).status).toBe(404);
    expect((await rest.call('PATCH', '/vectors/a/payload', { set: {} }, name)).status).toBe(404);
    await write('a', { n: 1 });
    expect((await rest.call('PATCH', '/vectors/a/payload', { set: {} }, name)).status).toBe(404);
  });

  test.each([
    ['{}', 'INVALID_REQUEST'],
    ['{"set":[]}', 'INVALID_PAYLOAD'],
    ['{"unset":[]}', 'INVALID_REQUEST'],
    ['{"unset":[1]}', 'INVALID_REQUEST'],
    ['{"set":{"a":1},"unset":["a"]}', 'INVALID_REQUEST'],
    ['{"put":{}}', 'UNKNOWN_KEY'],
    [JSON.stringify({ set: { x: 'x'.repeat(2 ** 20 - 10) } }), 'INVALID_PAYLOAD'],
  ])('%s is refused and changes nothing', async (body, code) => {
    await write('a', { n: 1, y: 'y'.repeat(100) });
    const answer = await rest.call('PATCH', '/vectors/a/payload', body);
    expect([answer.status, errorOf(answer).code]).toEqual([400, code]);
    expect(await read('a')).toMatchObject({ n: 1 });
  });
});

describe('a delete by filter', () => {
  const filter = { must: { key: 'n', range: { gte: 3 } } };
  const count = async (): Promise<unknown> => (await rest.call('POST', '/vectors/count', {})).json['count'];

  beforeEach(async () => {
    const points = [1, 2, 3, 4, 5].map((n) => ({ id: n, vector: [n, 1, 0], payload: { n } }));
    await rest.call('POST', '/vectors', { points });
  });

  test('takes what passes and says how many that were', async () => {
    expect((await rest.call('POST', '/vectors/delete', { filter })).json).toEqual({
      status: 'ok',
      deleted: 3,
    });
    expect(await count()).toBe(2);
    expect((await rest.call('POST', '/vectors/delete', { filter: {} })).json['deleted']).toBe(2);
  });

  test('that is repeated under its name answers the same and leaves alone what came later', async () => {
    const call = () => rest.call('POST', '/vectors/delete', { filter }, { 'idempotency-key': 'k' });
    expect((await call()).json['deleted']).toBe(3);
    await write('later', { n: 9 });
    expect((await call()).json['deleted']).toBe(3);
    expect(await read('later')).toEqual({ n: 9 });
    const other = { filter: { must: { key: 'n', range: { gte: 2 } } } };
    const reused = await rest.call('POST', '/vectors/delete', other, { 'idempotency-key': 'k' });
    expect(errorOf(reused).code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await count()).toBe(3);
  });
});
