import { encodeCursor } from './cursor.ts';
import { parseJson } from './json.ts';
import { parsePointId } from './point-id.ts';
import { parseCount, parseScroll, parseSearch, parseSearchBatch } from './read-requests.ts';

const context = { dimension: 2, metric: 'cosine' as const };
const search = (json: string) => parseSearch(parseJson(json), context);
const refusal = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error;

describe('a search', () => {
  it('has the defaults of the contract', () => {
    expect(search('{"vector":[1,2]}')).toEqual({
      vector: Float32Array.of(1, 2),
      limit: 10,
      offset: 0,
      scoreThreshold: undefined,
      withPayload: true,
      withVector: false,
      ef: undefined,
      exact: false,
      consistency: 'strong',
    });
  });

  it('takes every key', () => {
    const json =
      '{"vector":[1,2],"limit":5,"offset":7,"score_threshold":-0.5,"with_payload":false,"with_vector":true,' +
      '"ef":200,"exact":true,"consistency":"eventual"}';
    expect(search(json)).toMatchObject({
      ...{ limit: 5, offset: 7, scoreThreshold: -0.5, withPayload: false, withVector: true },
      ...{ ef: 200, exact: true, consistency: 'eventual' },
    });
  });

  it('may reach exactly 10,000 results deep', () => {
    expect(search('{"vector":[1,2],"limit":10000}').limit).toBe(10_000);
    expect(search('{"vector":[1,2],"limit":1,"offset":9999}').offset).toBe(9_999);
  });

  it.each([
    ['{}', 'INVALID_REQUEST', 'vector is missing'],
    ['{"vector":[1]}', 'DIMENSION_MISMATCH', 'vector has 1 value, the collection has 2 dimensions'],
    ['{"vector":[0,0]}', 'INVALID_VECTOR', 'vector is zero'],
    ['{"vector":[1,2],"limit":0}', 'INVALID_REQUEST', 'limit must be an integer from 1 to 10000'],
    ['{"vector":[1,2],"limit":10001}', 'INVALID_REQUEST', 'limit must be an integer from 1 to 10000'],
    ['{"vector":[1,2],"limit":1.5}', 'INVALID_REQUEST', 'limit must be an integer'],
    ['{"vector":[1,2],"limit":"5"}', 'INVALID_REQUEST', 'limit must be an integer'],
    ['{"vector":[1,2],"limit":null}', 'INVALID_REQUEST', 'limit must be an integer'],
    ['{"vector":[1,2],"limit":18446744073709551616}', 'INVALID_REQUEST', 'limit must be an integer'],
    ['{"vector":[1,2],"offset":-1}', 'INVALID_REQUEST', 'offset must be an integer from 0 to 10000'],
    ['{"vector":[1,2],"offset":9991}', 'INVALID_REQUEST', 'offset + limit must be at most 10000'],
    ['{"vector":[1,2],"ef":0}', 'INVALID_REQUEST', 'ef must be an integer from 1 to 10000'],
    ['{"vector":[1,2],"score_threshold":"1"}', 'INVALID_REQUEST', 'score_threshold must be a finite number'],
    [
      '{"vector":[1,2],"score_threshold":1e999}',
      'INVALID_REQUEST',
      'score_threshold must be a finite number',
    ],
    ['{"vector":[1,2],"exact":1}', 'INVALID_REQUEST', 'exact must be true or false'],
    ['{"vector":[1,2],"with_payload":null}', 'INVALID_REQUEST', 'with_payload must be true or false'],
    [
      '{"vector":[1,2],"consistency":"weak"}',
      'INVALID_REQUEST',
      'consistency must be "strong", "leader" or "eventual"',
    ],
    ['{"vector":[1,2],"filter":{"must":3}}', 'INVALID_FILTER', 'filter.must must be a condition'],
    [
      '{"vector":[1,2],"target_recall":0.4}',
      'INVALID_REQUEST',
      'target_recall must be a number from 0.5 to 0.999',
    ],
    ['{"vector":[1,2],"target_recall":"0.9"}', 'INVALID_REQUEST', 'target_recall must be a number'],
    ['{"vector":[1,2],"top":5}', 'UNKNOWN_KEY', 'the body has the unknown key "top"'],
  ])('%s is refused with %s', (json, code, message) => {
    expect(() => search(json)).toThrow(refusal(code, message));
  });

  it('takes a threshold beyond 2^53', () => {
    expect(search('{"vector":[1,2],"score_threshold":18446744073709551616}').scoreThreshold).toBe(2 ** 64);
  });
});

describe('a batch of searches', () => {
  const batch = (count: number, limit: number) => ({
    searches: Array.from({ length: count }, () => ({ vector: [1, 2], limit })),
  });

  it('is validated search by search', () => {
    expect(parseSearchBatch(batch(3, 7), context).map((one) => one.limit)).toEqual([7, 7, 7]);
    expect(() =>
      parseSearchBatch({ searches: [{ vector: [1, 2] }, { vector: [1, 2], limit: 0 }] }, context),
    ).toThrow(refusal('INVALID_REQUEST', 'searches[1].limit must be an integer'));
  });

  it('is bounded in searches and in results', () => {
    expect(parseSearchBatch(batch(1_000, 100), context)).toHaveLength(1_000);
    expect(() => parseSearchBatch(batch(1_001, 1), context)).toThrow(
      'searches must be an array with 1 to 1000 items',
    );
    expect(() => parseSearchBatch(batch(11, 10_000), context)).toThrow('at most 100000 results together');
    expect(() => parseSearchBatch({}, context)).toThrow('searches is missing');
  });
});

describe('a scroll', () => {
  it('has defaults, also without a body', () => {
    const defaults = {
      limit: 10,
      cursor: undefined,
      withVector: false,
      withPayload: true,
      consistency: 'strong',
    };
    expect(parseScroll({})).toEqual(defaults);
    expect(parseScroll(undefined)).toEqual(defaults);
  });

  it('goes on after the id of its cursor', () => {
    const { key } = parsePointId('last');
    expect(parseScroll({ cursor: encodeCursor(key), limit: 10_000 })).toMatchObject({
      cursor: key,
      limit: 10_000,
    });
  });

  it.each([
    ['{"limit":0}', 'INVALID_REQUEST', 'limit must be'],
    ['{"cursor":null}', 'INVALID_CURSOR', 'cursor must be a string'],
    ['{"cursor":"abc"}', 'INVALID_CURSOR', 'cursor is not one'],
    ['{"filter":[]}', 'INVALID_REQUEST', 'filter must be a JSON object'],
    ['{"offset":1}', 'UNKNOWN_KEY', 'unknown key "offset"'],
    ['null', 'INVALID_REQUEST', 'the body must be a JSON object'],
  ])('%s is refused with %s', (json, code, message) => {
    expect(() => parseScroll(parseJson(json))).toThrow(refusal(code, message));
  });
});

describe('a count', () => {
  it('needs no body and takes a consistency', () => {
    expect(parseCount(undefined)).toEqual({ consistency: 'strong' });
    expect(parseCount({ consistency: 'leader' })).toEqual({ consistency: 'leader' });
    const filter = { must: { key: 'a', match: { value: 1 } } };
    expect(parseCount({ filter })).toEqual({ filter: JSON.stringify(filter), consistency: 'strong' });
    expect(() => parseCount({ filter: null })).toThrow(refusal('INVALID_REQUEST', 'filter'));
    expect(() => parseCount(null)).toThrow(refusal('INVALID_REQUEST', 'the body must be a JSON object'));
  });
});
