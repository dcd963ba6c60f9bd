import { GrapeError } from '../../base/index.ts';
import { parseJson } from '../json.ts';
import { parseFilter } from './parse-filter.ts';

/** Levels of filters around a condition. */
function nestedFilter(levels: number): unknown {
  let filter: unknown = { key: 'a', match: { value: 1 } };
  for (let level = 0; level < levels; level += 1) filter = { must: [filter] };
  return filter;
}

const condition = (test: unknown): unknown => ({ must: [test] });
const match = (test: unknown): unknown => condition({ key: 'a', match: test });
const range = (test: unknown): unknown => condition({ key: 'a', range: test });
const place = { lon: 13.4, lat: 52.5 };

test.each<[string, unknown, string]>([
  ['no object', [], 'filter must be a JSON object'],
  ['an unknown clause', { musst: [] }, 'filter has the unknown key "musst"'],
  ['a condition that is none', { must: [{ field: 'a' }] }, 'filter.must[0] is no condition'],
  ['a condition that is no object', { should: [3] }, 'filter.should[0] must be a condition'],
  ['null for a clause', { must: null }, 'filter.must must be a condition'],
  ['a field without a test', condition({ key: 'a' }), 'filter.must[0] needs one of match, range'],
  [
    'a field with two tests',
    condition({ key: 'a', match: { value: 1 }, range: { gt: 1 } }),
    'filter.must[0] needs only one of',
  ],
  ['a field with an unknown test', condition({ key: 'a', matches: 1 }), 'unknown key "matches"'],
  [
    'a path that is none',
    condition({ key: 'a..b', match: { value: 1 } }),
    'filter.must[0].key is not a path at',
  ],
  ['an empty path', condition({ key: '', match: { value: 1 } }), 'filter.must[0].key must be a path of'],
  ['two matches', match({ value: 1, text: 'b' }), 'filter.must[0].match needs exactly one of value, any'],
  ['a match of a fraction', match({ value: 1.5 }), 'for other numbers use range'],
  ['a match of null', match({ value: null }), 'filter.must[0].match.value must be a string'],
  ['a match of nothing', match({ any: [] }), 'filter.must[0].match.any must be an array with 1 to'],
  ['a bad value among many', match({ except: ['a', {}] }), 'filter.must[0].match.except[1] must be a string'],
  ['a text without words', match({ text: ' -- ' }), 'filter.must[0].match.text has no word'],
  ['a text that is none', match({ text: 5 }), 'filter.must[0].match.text must be a string'],
  ['a range without bounds', range({}), 'filter.must[0].range needs gt, gte, lt, lte'],
  ['min above max', range({ gte: 2, lt: 1 }), 'filter.must[0].range has a lower bound above its upper one'],
  ['two lower bounds', range({ gte: 2, gt: 1 }), 'filter.must[0].range has both gt and gte'],
  ['a bound of another type', range({ gte: true }), 'filter.must[0].range.gte must be a finite number'],
  ['a bound that is no instant', range({ gte: 'soon' }), 'filter.must[0].range.gte must be a date and time'],
  [
    'bounds of two types',
    range({ gte: '2024-01-01', lt: 5 }),
    'filter.must[0].range.lt must be a date and time',
  ],
  [
    'instants in the wrong order',
    range({ gte: '2024-01-02', lt: '2024-01-01T23:59:59Z' }),
    'a lower bound above its upper one',
  ],
  [
    'a latitude beyond the pole',
    condition({ key: 'a', geo_radius: { center: { lon: 0, lat: 91 }, radius: 1 } }),
    'filter.must[0].geo_radius.center.lat must be from -90 to 90 degrees',
  ],
  [
    'a negative radius',
    condition({ key: 'a', geo_radius: { center: place, radius: -1 } }),
    'filter.must[0].geo_radius.radius must not be negative',
  ],
  [
    'a centre without longitude',
    condition({ key: 'a', geo_radius: { center: { lat: 1 }, radius: 1 } }),
    'filter.must[0].geo_radius.center.lon is missing',
  ],
  [
    'a box upside down',
    condition({ key: 'a', geo_bounding_box: { top_left: { lon: 0, lat: 0 }, bottom_right: place } }),
    'filter.must[0].geo_bounding_box has its top below its bottom',
  ],
  [
    'a count of a fraction',
    condition({ key: 'a', values_count: { gt: 0.5 } }),
    'filter.must[0].values_count.gt must be an integer from 0',
  ],
  [
    'is_empty that is no boolean',
    condition({ key: 'a', is_empty: 1 }),
    'filter.must[0].is_empty must be true or',
  ],
  ['is_null without a key', condition({ is_null: {} }), 'filter.must[0].is_null.key is missing'],
  ['no ids', condition({ has_id: [] }), 'filter.must[0].has_id must be an array with 1 to 10000'],
  [
    'too many ids',
    condition({ has_id: Array.from({ length: 10_001 }, (_, id) => id) }),
    'filter.must[0].has_id has 10001 items, at most 10000',
  ],
  ['a bad id', condition({ has_id: [1, -2] }), 'filter.must[0].has_id[1] must be an integer from 0'],
  [
    'ids inside of nested',
    condition({ nested: { key: 'a', filter: condition({ has_id: [1] }) } }),
    'filter.must[0].nested.filter.must[0].has_id is of the point',
  ],
  ['nested without a filter', condition({ nested: { key: 'a' } }), 'filter.must[0].nested.filter is missing'],
  [
    'min_should without a count',
    { min_should: { conditions: [] } },
    'filter.min_should.min_count is missing',
  ],
  [
    'min_should of none',
    { min_should: { conditions: [], min_count: 0 } },
    'filter.min_should.min_count must be an integer from 1',
  ],
  ['64 levels', nestedFilter(64), 'nests deeper than 32 filters'],
  [
    'too many conditions',
    { must: Array.from({ length: 1_025 }, () => ({ is_null: { key: 'a' } })) },
    'filter.must[1024] is one condition too many',
  ],
])('%s is refused with the place', (_name, filter, message) => {
  expect(() => parseFilter(filter)).toThrow(GrapeError);
  expect(() => parseFilter(filter)).toThrow(message);
});

test('32 levels and 10,000 ids are taken', () => {
  expect(parseFilter(nestedFilter(32)).must).toHaveLength(1);
  const ids = Array.from({ length: 10_000 }, (_, id) => id);
  expect(parseFilter({ must_not: { has_id: ids } }).mustNot).toMatchObject([{ kind: 'hasId' }]);
});

test('a single condition stands for a list of one, and is_null: false for its opposite', () => {
  expect(parseFilter({ must: { key: 'a', is_null: false } })).toEqual({
    must: [
      {
        kind: 'filter',
        filter: {
          must: [],
          should: [],
          mustNot: [{ kind: 'isNull', path: { text: 'a', steps: [{ kind: 'key', key: 'a' }] } }],
          minShould: undefined,
        },
      },
    ],
    should: [],
    mustNot: [],
    minShould: undefined,
  });
});

test('integers beyond 2^53 keep every digit', () => {
  const filter = parseJson('{"must":{"key":"a","match":{"value":9007199254740993}}}');
  expect(parseFilter(filter).must).toMatchObject([{ test: { values: [9007199254740993n] } }]);
});
