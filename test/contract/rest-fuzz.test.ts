import fc from 'fast-check';

import { errorOf, startRest } from './support/rest.ts';

const PATHS = ['', '/search', '/search/batch', '/delete', '/scroll', '/count'] as const;
const KEYS = [
  'id',
  'vector',
  'payload',
  'points',
  'ids',
  'limit',
  'cursor',
  'searches',
  'ef',
  '__proto__',
  'toString',
];

test('no body makes the server fail: it is served, or refused with 400 in the common form', async () => {
  const rest = await startRest();
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.constant([1, 2, 3]),
      tie('object'),
      fc.array(tie('any'), { maxLength: 4 }),
    ),
    object: fc.dictionary(fc.constantFrom(...KEYS), tie('any'), { maxKeys: 4, noNullPrototype: true }),
  })).object;
  const body = fc.oneof(
    value.map((object) => JSON.stringify(object)),
    fc.string({ maxLength: 40 }),
    fc.tuple(value, fc.nat()).map(([object, at]) => {
      const text = JSON.stringify(object);
      return text.slice(0, at % (text.length + 1));
    }),
  );
  try {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...PATHS), body, async (path, text) => {
        const answer = await rest.call('POST', `/vectors${path}`, text);
        if (answer.status === 200) return;
        expect(answer.status).toBe(400);
        expect(errorOf(answer)).toMatchObject({ retryable: false });
        expect(Object.keys(answer.json)).toEqual(['error']);
      }),
      { numRuns: 500 },
    );
  } finally {
    await rest.close();
  }
});

test('no path and query make the server fail', async () => {
  const rest = await startRest();
  const piece = fc.oneof(
    fc.constantFrom(
      'vectors',
      'search',
      'cluster',
      'info',
      'indexes',
      '%',
      '%00',
      '%ff',
      '..',
      '',
      'payload',
      '?',
      '&',
      '=',
    ),
    fc.constantFrom('timeout_ms=1', 'consistency=strong', 'with_vector=true', 'explain=1'),
    fc.stringMatching(/^[!-~]{1,8}$/),
  );
  const url = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join('/')}`);
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS');
  try {
    await fc.assert(
      fc.asyncProperty(method, url, async (verb, path) => {
        const lines = [`${verb} ${path} HTTP/1.1`, 'host: x', 'content-length: 0', 'connection: close'];
        const [status] = /(?<=^HTTP\/1.1 )\d+/.exec(await rest.raw(`${lines.join('\r\n')}\r\n\r\n`)) ?? [];
        expect(['200', '400', '404', '405']).toContain(status);
      }),
      { numRuns: 300 },
    );
  } finally {
    await rest.close();
  }
});
