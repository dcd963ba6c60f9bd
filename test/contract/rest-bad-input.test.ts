import { errorOf, type Rest, startRest } from './support/rest.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest({ maxBodyMb: 3 });
  await rest.call('POST', '/vectors', { id: 'kept', vector: [1, 2, 3], payload: { kept: true } });
});
afterAll(() => rest.close());
// Whatever is refused has changed nothing.
afterEach(async () => {
  const points = (await rest.call('POST', '/vectors/scroll', { with_vector: true })).json['points'];
  expect(points).toEqual([{ id: 'kept', vector: [1, 2, 3], payload: { kept: true }, version: 1 }]);
});

const point = (o: object): string => JSON.stringify({ id: 1, vector: [1, 2, 3], ...o });
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const UPSERTS: readonly (readonly [name: string, body: string, code: string])[] = [
  ['no body', '', 'INVALID_JSON'],
  ['no JSON', 'vector', 'INVALID_JSON'],
  ['half of JSON', '{"id":1,"vector":[1,2', 'INVALID_JSON'],
  ['two values', '{} {}', 'INVALID_JSON'],
  ['an array', '[]', 'INVALID_REQUEST'],
  ['null', 'null', 'INVALID_REQUEST'],
  ['a string', '"x"', 'INVALID_REQUEST'],
  ['no id', '{"vector":[1,2,3]}', 'INVALID_REQUEST'],
  ['no vector', '{"id":1}', 'INVALID_REQUEST'],
  ['an unknown key', point({ vektor: 1 }), 'UNKNOWN_KEY'],
  ['an unknown key beside points', '{"points":[],"x":1}', 'UNKNOWN_KEY'],
  ['a version below 0', point({ if_version: -1 }), 'INVALID_REQUEST'],
  ['a version in a batch', `{"points":[${point({ if_version: 1 })}]}`, 'INVALID_REQUEST'],
  ['two dimensions', point({ vector: [1, 2] }), 'DIMENSION_MISMATCH'],
  ['one dimension', point({ vector: [1] }), 'DIMENSION_MISMATCH'],
  ['no dimensions', point({ vector: [] }), 'DIMENSION_MISMATCH'],
  ['a vector that is text', point({ vector: '1,2,3' }), 'INVALID_VECTOR'],
  ['a vector that is null', point({ vector: null }), 'INVALID_VECTOR'],
  ['a value that is text', point({ vector: [1, 2, '3'] }), 'INVALID_VECTOR'],
  ['a value that is null', '{"id":1,"vector":[1,2,null]}', 'INVALID_VECTOR'],
  ['NaN', '{"id":1,"vector":[1,2,NaN]}', 'INVALID_JSON'],
  ['"NaN"', '{"id":1,"vector":[1,2,"NaN"]}', 'INVALID_VECTOR'],
  ['Infinity', '{"id":1,"vector":[1,2,Infinity]}', 'INVALID_JSON'],
  ['"Infinity"', '{"id":1,"vector":[1,2,"Infinity"]}', 'INVALID_VECTOR'],
  ['1e999', '{"id":1,"vector":[1,2,1e999]}', 'INVALID_VECTOR'],
  ['-1e39', '{"id":1,"vector":[1,2,-1e39]}', 'INVALID_VECTOR'],
  ['a norm beyond float32', point({ vector: [3e38, 3e38, 0] }), 'INVALID_VECTOR'],
  ['a zero vector under cosine', point({ vector: [0, 0, 0] }), 'INVALID_VECTOR'],
  ['an empty id', point({ id: '' }), 'INVALID_ID'],
  ['an id of 513 bytes', point({ id: 'x'.repeat(513) }), 'INVALID_ID'],
  ['an id of 512 characters and 513 bytes', point({ id: `${'x'.repeat(511)}ä` }), 'INVALID_ID'],
  ['a negative id', point({ id: -1 }), 'INVALID_ID'],
  ['a fraction as id', point({ id: 1.5 }), 'INVALID_ID'],
  ['an id of 2^64', '{"id":18446744073709551616,"vector":[1,2,3]}', 'INVALID_ID'],
  ['null as id', point({ id: null }), 'INVALID_ID'],
  ['an object as id', point({ id: {} }), 'INVALID_ID'],
  ['a payload that is null', point({ payload: null }), 'INVALID_PAYLOAD'],
  ['a payload that is an array', point({ payload: [] }), 'INVALID_PAYLOAD'],
  ['a payload over 1 MiB', point({ payload: { x: 'x'.repeat(1024 * 1024) } }), 'INVALID_PAYLOAD'],
  ['nesting 10,000 deep', `{"id":1,"vector":[1,2,3],"payload":{"x":${nested(10_000)}}}`, 'INVALID_JSON'],
  ['nesting 1,000,000 deep', nested(1_000_000), 'INVALID_JSON'],
  ['no points', '{"points":[]}', 'INVALID_REQUEST'],
  ['points that are null', '{"points":null}', 'INVALID_REQUEST'],
  [
    '10,001 points',
    JSON.stringify({ points: Array.from({ length: 10_001 }, (_, id) => ({ id })) }),
    'INVALID_REQUEST',
  ],
  [
    'one bad point of a batch',
    `{"points":[${point({})},${point({ id: 2, vector: [1, 2] })}]}`,
    'DIMENSION_MISMATCH',
  ],
  ['one bad point at the end of a large batch', largeBatchWithBadEnd(), 'INVALID_VECTOR'],
];

test.each(UPSERTS)('an upsert with %s is refused', async (_name, body, code) => {
  const answer = await rest.call('POST', '/vectors', body);
  expect([answer.status, errorOf(answer).code, errorOf(answer).retryable]).toEqual([400, code, false]);
});

test.each([
  ['/vectors/search', { vector: [1, 2, 3], limit: 0 }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], limit: 10_001 }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], limit: null }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], limit: '10' }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], limit: 9_000, offset: 1_001 }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], offset: -1 }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2] }, 'DIMENSION_MISMATCH'],
  ['/vectors/search', { vector: [0, 0, 0] }, 'INVALID_VECTOR'],
  ['/vectors/search', {}, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], filter: { most: [] } }, 'UNKNOWN_KEY'],
  ['/vectors/search', { vector: [1, 2, 3], target_recall: 1 }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], consistency: 'linearizable' }, 'INVALID_REQUEST'],
  ['/vectors/search', { vector: [1, 2, 3], top: 3 }, 'UNKNOWN_KEY'],
  ['/vectors/search?explain=1', { vector: [1, 2, 3] }, 'INVALID_REQUEST'],
  ['/vectors/search/batch?explain=true', { searches: [] }, 'UNKNOWN_KEY'],
  ['/vectors/search?limit=3', { vector: [1, 2, 3] }, 'UNKNOWN_KEY'],
  ['/vectors/search/batch', { searches: [] }, 'INVALID_REQUEST'],
  ['/vectors/search/batch', { searches: [{ vector: [1, 2, 3] }, { vector: [1] }] }, 'DIMENSION_MISMATCH'],
  ['/vectors/delete', {}, 'INVALID_REQUEST'],
  ['/vectors/delete', { ids: [] }, 'INVALID_REQUEST'],
  ['/vectors/delete', { ids: ['kept', ''] }, 'INVALID_ID'],
  ['/vectors/delete', { filter: { must: 1 } }, 'INVALID_FILTER'],
  ['/vectors/delete', { ids: ['kept'], filter: {} }, 'INVALID_REQUEST'],
  ['/vectors/delete', { ids: ['kept', 'a'], if_version: 1 }, 'INVALID_REQUEST'],
  ['/vectors/scroll', { cursor: 'abc' }, 'INVALID_CURSOR'],
  ['/vectors/scroll', { cursor: null }, 'INVALID_CURSOR'],
  ['/vectors/scroll', { limit: 0 }, 'INVALID_REQUEST'],
  ['/vectors/scroll', { filter: { must: { key: 'a' } } }, 'INVALID_FILTER'],
  ['/vectors/count', { filter: { must: { has_id: [] } } }, 'INVALID_FILTER'],
  ['/vectors/count', [], 'INVALID_REQUEST'],
  ['/indexes', {}, 'INVALID_REQUEST'],
  ['/indexes', { field: 'a', type: 'string' }, 'INVALID_REQUEST'],
  ['/indexes', { field: 'a..b', type: 'keyword' }, 'INVALID_FILTER'],
  ['/indexes', { field: 'a', type: 'keyword', wait: true }, 'UNKNOWN_KEY'],
  ['/vectors?timeout_ms=0', { id: 1, vector: [1, 2, 3] }, 'INVALID_REQUEST'],
  ['/vectors?timeout_ms=60001', { id: 1, vector: [1, 2, 3] }, 'INVALID_REQUEST'],
  ['/vectors?timeout_ms=1e3x', { id: 1, vector: [1, 2, 3] }, 'INVALID_REQUEST'],
  ['/vectors?timeout_ms=10&timeout_ms=20', { id: 1, vector: [1, 2, 3] }, 'INVALID_REQUEST'],
  ['/vectors?wait=true', { id: 1, vector: [1, 2, 3] }, 'UNKNOWN_KEY'],
  ['/vectors?%ff=1', { id: 1, vector: [1, 2, 3] }, 'INVALID_REQUEST'],
])('POST %s %j is refused: %s', async (path, body, code) => {
  const answer = await rest.call('POST', path, body);
  expect([answer.status, errorOf(answer).code]).toEqual([400, code]);
});

test.each([
  ['GET', '/vectors/', 'INVALID_ID'],
  ['GET', '/vectors/%ff', 'INVALID_ID'],
  ['GET', '/vectors/%', 'INVALID_ID'],
  ['GET', `/vectors/${'x'.repeat(513)}`, 'INVALID_ID'],
  ['GET', '/vectors/kept?with_vector=1', 'INVALID_REQUEST'],
  ['GET', '/vectors/kept?consistency=weak', 'INVALID_REQUEST'],
  ['GET', '/vectors/kept?explain=true', 'UNKNOWN_KEY'],
  ['DELETE', '/vectors/kept?if_version=x', 'INVALID_REQUEST'],
  ['DELETE', '/vectors/kept?if_version=-1', 'INVALID_REQUEST'],
  ['PATCH', '/vectors/kept/payload', 'INVALID_JSON'],
  ['POST', '/indexes', 'INVALID_JSON'],
  ['DELETE', '/indexes/field?now=1', 'UNKNOWN_KEY'],
])('%s %s is refused: %s', async (method, path, code) => {
  const answer = await rest.call(method, path);
  expect([answer.status, errorOf(answer).code]).toEqual([400, code]);
});

test.each([
  ['{"if_version":1}', 'UNKNOWN_KEY'],
  ['{"force":true}', 'UNKNOWN_KEY'],
  ['[1]', 'UNKNOWN_KEY'],
  ['3', 'UNKNOWN_KEY'],
  ['{', 'INVALID_JSON'],
])('a delete with the body %s is refused', async (body, code) => {
  const answer = await rest.call('DELETE', '/vectors/kept', body);
  expect([answer.status, errorOf(answer).code]).toEqual([400, code]);
});

test.each([
  { 'idempotency-key': 'two words' },
  { 'x-grape-client-id': 'c' },
  { 'x-grape-client-id': 'c', 'x-grape-sequence': 'first' },
])('a write that misnames itself with %j is refused', async (headers) => {
  for (const [method, path, body] of [
    ['POST', '/vectors', point({})],
    ['DELETE', '/vectors/kept', undefined],
    ['POST', '/vectors/delete', '{"ids":["kept"]}'],
  ] as const) {
    const answer = await rest.call(method, path, body, headers);
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'INVALID_REQUEST']);
  }
});

test.each([
  ['PUT', '/vectors', 'POST'],
  ['GET', '/vectors', 'POST'],
  ['POST', '/vectors/kept', 'GET, HEAD, DELETE'],
  ['PUT', '/vectors/search', 'GET, HEAD, DELETE, POST'],
  ['GET', '/vectors/search/batch', 'POST'],
  ['GET', '/vectors/kept/payload', 'PATCH'],
  ['POST', '/health', 'GET, HEAD'],
  ['DELETE', '/metrics', 'GET, HEAD'],
  ['POST', '/cluster/info', 'GET, HEAD'],
  ['PUT', '/cluster/join', 'POST'],
])('%s %s is no method of that path', async (method, path, allow) => {
  const answer = await rest.call(method, path);
  expect([answer.status, errorOf(answer).code, answer.headers.get('allow')]).toEqual([
    405,
    'METHOD_NOT_ALLOWED',
    allow,
  ]);
});

test.each([
  '/',
  '/vector',
  '/vectors/a/b',
  '/vectors/a/payload/x',
  '/cluster/',
  '/cluster/unknown',
  '/Health',
])('%s is no path', async (path) => {
  const answer = await rest.call('GET', path);
  expect([answer.status, errorOf(answer).code]).toEqual([404, 'NOT_FOUND']);
});

test('a body over the limit is drained and refused, and the connection goes on', async () => {
  const large = point({ payload: { x: 'x'.repeat(4 * 1024 * 1024) } });
  for (const transfer of [`content-length: ${large.length}`, 'transfer-encoding: chunked']) {
    const body = transfer.startsWith('content')
      ? large
      : `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
    const first = `POST /vectors HTTP/1.1\r\nhost: x\r\n${transfer}\r\n\r\n${body}`;
    const second = 'GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const answers = await rest.raw(first + second);
    expect(answers).toMatch(/^HTTP\/1.1 413 /);
    expect(answers).toContain('"code":"PAYLOAD_TOO_LARGE"');
    expect(answers).toContain('HTTP/1.1 200 OK');
  }
});

test('a body that claims more than will ever be drained ends the connection', async () => {
  const head = `POST /vectors HTTP/1.1\r\nhost: x\r\ncontent-length: ${10 ** 12}\r\n\r\n`;
  const answer = await rest.raw(head);
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer.toLowerCase()).toContain('connection: close');
});

test('a truncated body is refused', async () => {
  const head = 'POST /vectors HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n';
  const answer = await rest.raw(`${head}{"id":1,"vector":[1,2,3]}`, { halfClose: true });
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(answer).toContain('"code":"INVALID_REQUEST"');
});

test.each(['hello\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`])(
  'bytes that are no HTTP request get an answer in the common form',
  async (bytes) => {
    const answer = await rest.raw(bytes);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('x-grape-node: node-1');
    expect(answer).toContain('"code":"INVALID_REQUEST"');
  },
);

test('a compressed body is refused', async () => {
  const answer = await rest.call('POST', '/vectors', point({}), { 'content-encoding': 'gzip' });
  expect([answer.status, errorOf(answer).code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
});

test('invalid UTF-8 is refused', async () => {
  const body = Buffer.concat([
    Buffer.from('{"id":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('","vector":[1,2,3]}'),
  ]);
  const answer = await rest.call('POST', '/vectors', new Uint8Array(body));
  expect([answer.status, errorOf(answer).code]).toEqual([400, 'INVALID_JSON']);
});

function largeBatchWithBadEnd(): string {
  const points = Array.from({ length: 5000 }, (_, id) => ({
    id,
    vector: [1, 2, id],
    payload: { text: 'x'.repeat(50) },
  }));
  return JSON.stringify({ points: [...points, { id: 'last', vector: [0, 0, 0] }] });
}
