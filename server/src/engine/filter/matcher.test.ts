import fc from 'fast-check';
import { parseFilter, parseJson, parsePointId } from '../../model/index.ts';
import { naivelyMatches } from '../testing/naive-filter.ts';
import { compileFilter } from './matcher.ts';

function passes(filter: unknown, payload: unknown, id: unknown = 1): boolean {
  return compileFilter(parseFilter(filter))({ idKey: parsePointId(id).key, payload });
}

const berlin = { lon: 13.405, lat: 52.52 };
const hamburg = { lon: 9.993, lat: 53.551 };

test.each<[string, unknown, unknown, boolean]>([
  ['nothing is asked', {}, {}, true],
  ['an empty should', { should: [] }, {}, true],
  ['a value', { must: { key: 'a', match: { value: 'x' } } }, { a: 'x' }, true],
  ['a value of another type', { must: { key: 'a', match: { value: 5 } } }, { a: '5' }, false],
  ['5 and 5.0', { must: { key: 'a', match: { value: 5 } } }, parseJson('{"a":5.0}'), true],
  ['one element of an array', { must: { key: 'a', match: { value: 'x' } } }, { a: ['y', 'x'] }, true],
  ['an array in an array', { must: { key: 'a', match: { value: 'x' } } }, { a: [['x']] }, false],
  ['any', { must: { key: 'a', match: { any: [1, 'x'] } } }, { a: 'x' }, true],
  ['except what is there', { must: { key: 'a', match: { except: ['x'] } } }, { a: 'x' }, false],
  ['except something else', { must: { key: 'a', match: { except: ['x'] } } }, { a: 'y' }, true],
  ['except, and nothing is there', { must: { key: 'a', match: { except: ['x'] } } }, {}, false],
  ['a key that every object inherits', { must: { key: 'toString', is_empty: true } }, {}, true],
  ['all words', { must: { key: 'a', match: { text: 'FOX quick' } } }, { a: 'the quick, brown fox' }, true],
  ['a part of a word', { must: { key: 'a', match: { text: 'qui' } } }, { a: 'the quick fox' }, false],
  [
    'a range of times',
    { must: { key: 'a', range: { gte: '2024-01-01' } } },
    { a: '2024-01-01T00:00:00Z' },
    true,
  ],
  ['a range of times and a number', { must: { key: 'a', range: { gte: '2024-01-01' } } }, { a: 5 }, false],
  ['near', { must: { key: 'a', geo_radius: { center: berlin, radius: 256_000 } } }, { a: hamburg }, true],
  [
    'not near enough',
    { must: { key: 'a', geo_radius: { center: berlin, radius: 254_000 } } },
    { a: hamburg },
    false,
  ],
  [
    'a box over the antimeridian',
    {
      must: {
        key: 'a',
        geo_bounding_box: { top_left: { lon: 170, lat: 10 }, bottom_right: { lon: -170, lat: -10 } },
      },
    },
    { a: { lon: -175, lat: 0 } },
    true,
  ],
  ['the number of values', { must: { key: 'a', values_count: { gte: 2 } } }, { a: [1, 2] }, true],
  ['no value', { must: { key: 'a', values_count: { lt: 1 } } }, {}, true],
  ['null is empty', { must: { is_empty: { key: 'a' } } }, { a: null }, true],
  ['a list of nulls is not empty', { must: { is_empty: { key: 'a' } } }, { a: [null] }, false],
  ['and it is null', { must: { is_null: { key: 'a' } } }, { a: [null] }, true],
  ['nothing is not null', { must: { is_null: { key: 'a' } } }, {}, false],
  ['many places', { must: { key: 'a[].b', match: { value: 2 } } }, { a: [{ b: 1 }, { b: 2 }] }, true],
  ['one place', { must: { key: 'a[1].b', match: { value: 1 } } }, { a: [{ b: 1 }, { b: 2 }] }, false],
  [
    'not one and the same element',
    {
      must: {
        nested: {
          key: 'a',
          filter: {
            must: [
              { key: 'b', match: { value: 1 } },
              { key: 'c', match: { value: 2 } },
            ],
          },
        },
      },
    },
    {
      a: [
        { b: 1, c: 1 },
        { b: 2, c: 2 },
      ],
    },
    false,
  ],
  [
    'enough of some',
    { min_should: { conditions: [1, 2, 3].map((value) => ({ key: 'a', match: { value } })), min_count: 2 } },
    { a: [1, 3] },
    true,
  ],
])('%s', (_name, filter, payload, expected) => {
  expect(passes(filter, payload)).toBe(expected);
});

test('ids are compared as points are: 7 is "7"', () => {
  expect(passes({ must: { has_id: ['7'] } }, {}, 7)).toBe(true);
  expect(passes({ must_not: { has_id: [7, 8] } }, {}, 9)).toBe(true);
});

test('integers beyond 2^53 are compared digit by digit', () => {
  const payload = parseJson('{"a":9007199254740993}');
  const filterOf = (text: string): unknown => parseJson(`{"must":{"key":"a",${text}}}`);
  expect(passes(filterOf('"match":{"value":9007199254740993}'), payload)).toBe(true);
  expect(passes(filterOf('"match":{"value":9007199254740992}'), payload)).toBe(false);
  expect(passes(filterOf('"range":{"gt":9007199254740992}'), payload)).toBe(true);
  expect(passes(filterOf('"range":{"gt":9007199254740993}'), payload)).toBe(false);
  expect(passes(filterOf('"range":{"lt":1e16}'), payload)).toBe(true);
});

const KEYS = ['a', 'b', 'c', 'a.b', 'a[]', 'a[].b', 'b[].c'];
const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    'red',
    'green blue',
    'blue',
    '2024-05-01',
    '2024-05-02T12:00:00Z',
    true,
    false,
    null,
  ),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0.5, -1.5),
  fc.record({ lon: fc.integer({ min: -180, max: 180 }), lat: fc.integer({ min: -90, max: 90 }) }),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const payload = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 3 });

const wanted = fc.oneof(
  fc.constantFrom<unknown>('red', 'blue', true, false),
  fc.integer({ min: -2, max: 2 }),
);
const boundsOf = <T>(a: T, b: T): Record<string, T>[] => [
  { gt: a },
  { gte: a },
  { lt: b },
  { lte: b },
  { gte: a, lt: b },
];
const numbers = fc
  .tuple(fc.integer({ min: -3, max: 1 }), fc.nat(3))
  .chain(([from, more]) => fc.constantFrom(...boundsOf(from, from + more)));
const times = fc.constantFrom(...boundsOf('2024-05-01', '2024-05-02T12:00:00Z'));
const counts = fc
  .tuple(fc.nat(2), fc.nat(2))
  .chain(([from, more]) => fc.constantFrom(...boundsOf(from, from + more)));
const point = fc.record({ lon: fc.integer({ min: -180, max: 180 }), lat: fc.integer({ min: -90, max: 90 }) });
const box = fc.tuple(point, point).map(([a, b]) => ({
  top_left: { lon: a.lon, lat: Math.max(a.lat, b.lat) },
  bottom_right: { lon: b.lon, lat: Math.min(a.lat, b.lat) },
}));
const fieldTest = fc.oneof(
  wanted.map((one) => ({ match: { value: one } })),
  fc.array(wanted, { minLength: 1, maxLength: 3 }).map((any) => ({ match: { any } })),
  fc.array(wanted, { minLength: 1, maxLength: 3 }).map((except) => ({ match: { except } })),
  fc.constantFrom('red', 'blue green', 'GREEN').map((text) => ({ match: { text } })),
  numbers.map((range) => ({ range })),
  times.map((range) => ({ range })),
  counts.map((values_count) => ({ values_count })),
  fc.record({ center: point, radius: fc.nat(20_000_000) }).map((geo_radius) => ({ geo_radius })),
  box.map((geo_bounding_box) => ({ geo_bounding_box })),
  fc.boolean().map((is_empty) => ({ is_empty })),
  fc.boolean().map((is_null) => ({ is_null })),
);
const field = fc.tuple(fc.constantFrom(...KEYS), fieldTest).map(([key, test]) => ({ key, ...test }));

/** Of points, or of elements: those have no id. */
const filterOf = (isOfPoint: boolean): fc.Arbitrary<Record<string, unknown>> =>
  fc.letrec<{ filter: Record<string, unknown>; condition: unknown }>((tie) => ({
    filter: fc.oneof(
      tie('condition').map((must) => ({ must })),
      fc.array(tie('condition'), { maxLength: 3 }).map((should) => ({ should })),
      tie('condition').map((must_not) => ({ must_not })),
      fc.record(
        {
          must: fc.array(tie('condition'), { maxLength: 2 }),
          should: fc.array(tie('condition'), { maxLength: 3 }),
          must_not: fc.array(tie('condition'), { maxLength: 1 }),
          min_should: fc.record({
            conditions: fc.array(tie('condition'), { maxLength: 4 }),
            min_count: fc.integer({ min: 1, max: 2 }),
          }),
        },
        { requiredKeys: [] },
      ),
    ),
    condition: fc.oneof(
      { depthSize: 'small', maxDepth: 2 },
      field,
      fc.constantFrom(...KEYS).map((key) => ({ is_empty: { key } })),
      fc.constantFrom(...KEYS).map((key) => ({ is_null: { key } })),
      ...(isOfPoint
        ? [
            fc.array(fc.nat(3), { minLength: 1, maxLength: 2 }).map((has_id) => ({ has_id })),
            fc
              .record({ key: fc.constantFrom(...KEYS), filter: filterOf(false) })
              .map((nested) => ({ nested })),
          ]
        : []),
      tie('filter').filter((filter) => Object.keys(filter).length > 0),
    ),
  })).filter;

test('a filter admits what a naive reading of it admits', () => {
  let admitted = 0;
  let runs = 0;
  fc.assert(
    fc.property(
      filterOf(true),
      fc.array(fc.tuple(fc.nat(3), payload), { minLength: 5, maxLength: 10 }),
      (filter, points) => {
        for (const [id, fields] of points) {
          const is = passes(filter, fields, id);
          expect(is).toBe(naivelyMatches(filter, { id, payload: fields }));
          admitted += is ? 1 : 0;
          runs += 1;
        }
      },
    ),
    { numRuns: 3_000 },
  );
  // Neither answer is rare.
  expect(admitted / runs).toBeGreaterThan(0.1);
  expect(admitted / runs).toBeLessThan(0.9);
});
