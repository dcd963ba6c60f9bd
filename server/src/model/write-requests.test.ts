import { parseJson } from './json.ts';
import { pointIdText } from './point-id.ts';
import { parseDelete, parseUpsert } from './write-requests.ts';

const context = { dimension: 2, metric: 'cosine' as const };
const upsert = (json: string, c: Parameters<typeof parseUpsert>[1] = context) =>
  parseUpsert(parseJson(json), c);

describe('an upsert', () => {
  it('of one point has its id, vector and payload', () => {
    const { single, points } = upsert('{"id":"a","vector":[1,-2.5],"payload":{"k":1}}');
    expect(single).toBe(true);
    expect(points).toHaveLength(1);
    expect(points[0]!.vector.readFloatLE(4)).toBe(-2.5);
    expect(points[0]!.payload.toString()).toBe('{"k":1}');
  });

  it('keeps the last of equal ids, and their order of last mention', () => {
    const { single, points } = upsert(
      '{"points":[{"id":5,"vector":[1,1]},{"id":"b","vector":[2,2]},{"id":"5","vector":[3,3]}]}',
    );
    expect(single).toBe(false);
    expect(
      points.map((point) => [pointIdText(point.id.key), point.vector.readFloatLE(0), point.id.isInteger]),
    ).toEqual([
      ['b', 2, false],
      ['5', 3, false],
    ]);
  });

  it('fixes the dimension of its batch with the first vector when the collection has none', () => {
    const free = { dimension: undefined, metric: 'cosine' as const };
    expect(
      upsert('{"points":[{"id":1,"vector":[1,1,1]},{"id":2,"vector":[1,1,2]}]}', free).points,
    ).toHaveLength(2);
    expect(() => upsert('{"points":[{"id":1,"vector":[1,1,1]},{"id":2,"vector":[1,1]}]}', free)).toThrow(
      'points[1].vector has 2 values, the collection has 3 dimensions',
    );
  });

  it('may have 10,000 points and not one more', () => {
    const batch = (count: number) => ({
      points: Array.from({ length: count }, (_, i) => ({ id: i, vector: [1, 2] })),
    });
    expect(parseUpsert(batch(10_000), context).points).toHaveLength(10_000);
    expect(() => parseUpsert(batch(10_001), context)).toThrow(
      'points must be an array with 1 to 10000 items',
    );
  });

  it.each([
    ['[]', 'INVALID_REQUEST', 'the body must be a JSON object'],
    ['null', 'INVALID_REQUEST', 'the body must be a JSON object'],
    ['"text"', 'INVALID_REQUEST', 'the body must be a JSON object'],
    ['{}', 'INVALID_REQUEST', 'id is missing'],
    ['{"id":"a"}', 'INVALID_REQUEST', 'vector is missing'],
    ['{"id":null,"vector":[1,1]}', 'INVALID_ID', 'id must be a string or an integer'],
    ['{"id":"","vector":[1,1]}', 'INVALID_ID', 'id must have 1 to 512 bytes of UTF-8'],
    ['{"id":18446744073709551616,"vector":[1,1]}', 'INVALID_ID', 'id must be an integer from 0 to 2^64-1'],
    ['{"id":"a","vector":null}', 'INVALID_VECTOR', 'vector must be an array of numbers'],
    ['{"id":"a","vector":[1,1],"payload":null}', 'INVALID_PAYLOAD', 'payload must be a JSON object'],
    ['{"id":"a","vector":[1,1],"playload":{}}', 'UNKNOWN_KEY', 'the body has the unknown key "playload"'],
    ['{"id":"a","vector":[1,1],"__proto__":{}}', 'UNKNOWN_KEY', 'the body has the unknown key "__proto__"'],
    ['{"points":[],"if_version":0}', 'UNKNOWN_KEY', 'the body has the unknown key "if_version"'],
    ['{"points":[]}', 'INVALID_REQUEST', 'points must be an array with 1 to 10000 items'],
    ['{"points":null}', 'INVALID_REQUEST', 'points must be an array with 1 to 10000 items'],
    ['{"points":[1]}', 'INVALID_REQUEST', 'points[0] must be a JSON object'],
    ['{"points":[{"id":1,"vector":[1,1]}],"id":1}', 'UNKNOWN_KEY', 'the body has the unknown key "id"'],
    [
      '{"points":[{"id":1,"vector":[1,1]},{"id":2,"vector":[1,1e39]}]}',
      'INVALID_VECTOR',
      'points[1].vector[1] must',
    ],
    ['{"points":[{"id":1,"vector":[1,1],"x":1}]}', 'UNKNOWN_KEY', 'points[0] has the unknown key "x"'],
    [
      '{"points":[{"id":1,"vector":[1,1],"if_version":3}]}',
      'INVALID_REQUEST',
      'points[0].if_version: a point with a condition is a request of its own',
    ],
  ])('%s is refused with %s', (json, code, message) => {
    expect(() => upsert(json)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error,
    );
  });
});

describe('a delete by ids', () => {
  it('counts equal ids once', () => {
    const request = parseDelete(parseJson('{"ids":[5,"5","a",18446744073709551615]}'));
    expect((request.kind === 'ids' ? request.ids : []).map((id) => pointIdText(id.key))).toEqual([
      '5',
      'a',
      '18446744073709551615',
    ]);
  });

  it.each([
    ['{}', 'INVALID_REQUEST', 'a delete needs ids or a filter'],
    ['{"ids":[]}', 'INVALID_REQUEST', 'ids must be an array with 1 to 10000 items'],
    ['{"ids":null}', 'INVALID_REQUEST', 'ids must be an array with 1 to 10000 items'],
    ['{"ids":["a",{}]}', 'INVALID_ID', 'ids[1] must be a string or an integer'],
    ['{"filter":{},"ids":[1]}', 'INVALID_REQUEST', 'a delete by filter takes no ids'],
    ['{"filter":{},"if_version":1}', 'INVALID_REQUEST', 'a delete by filter takes no if_version'],
    ['{"filter":{"must":1}}', 'INVALID_FILTER', 'filter.must must be a condition'],
    ['{"ids":[1,2],"if_version":1}', 'INVALID_REQUEST', 'if_version is about one point, ids has 2'],
    ['{"ids":[1],"if_version":-1}', 'INVALID_REQUEST', 'if_version must be an integer from 0'],
    ['{"ids":[1],"id":1}', 'UNKNOWN_KEY', 'the body has the unknown key "id"; known are ids'],
  ])('%s is refused with %s', (json, code, message) => {
    expect(() => parseDelete(parseJson(json))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error,
    );
  });
});
