import type { ParseContext } from '../../model/index.ts';
import { parseBody } from './parsed-body.ts';
import { decodeParsed, encodeParsed } from './parsed-codec.ts';

const context: ParseContext = { dimension: 3, metric: 'cosine' };
const cursor = 'AQEAAAAAAAAABQ';

test.each([
  ['upsert', '{"id":18446744073709551615,"vector":[1,2,3],"payload":{"n":9007199254740993}}'],
  ['upsert', '{"points":[{"id":"a","vector":[1,2,3]},{"id":7,"vector":[0.1,0.2,0.3],"payload":{"x":[1]}}]}'],
  ['delete', '{"ids":["a",5,"0b9f2c7e-1111-4222-8333-444455556666"]}'],
  ['search', '{"vector":[1,2,3]}'],
  [
    'search',
    '{"vector":[1,2,3],"limit":5,"offset":7,"score_threshold":-0.5,"with_payload":false,"with_vector":true}',
  ],
  [
    'search_batch',
    '{"searches":[{"vector":[1,2,3],"ef":50,"target_recall":0.9},{"vector":[3,2,1],"exact":true,"consistency":"leader"}]}',
  ],
  ['scroll', '{"limit":3,"with_vector":true,"with_payload":false,"consistency":"eventual"}'],
  ['search', '{"vector":[1,2,3],"filter":{"must":{"key":"größe","match":{"value":9007199254740993}}}}'],
  ['count', '{"consistency":"eventual","filter":{"should":[]}}'],
  ['count', ''],
] as const)('a request of kind %s crosses the thread unchanged: %s', (kind, text) => {
  const body = parseBody(kind, Buffer.from(text), context);
  expect(decodeParsed(encodeParsed(body, 16))).toEqual(body);
});

test('a cursor crosses the thread', () => {
  const body = {
    kind: 'scroll',
    request: {
      limit: 1,
      cursor: Buffer.from(cursor),
      filter: '{"must":[]}',
      withVector: false,
      withPayload: true,
      consistency: 'strong',
    },
  } as const;
  expect(decodeParsed(encodeParsed(body, 16))).toEqual(body);
});
