import { parseFilter, pointIdText } from '../../model/index.ts';
import { onlyIds } from './only-ids.ts';

const idsOf = (filter: object): string[] | undefined => onlyIds(parseFilter(filter))?.map(pointIdText);
const city = { key: 'city', match: { value: 'x' } };

test('ids that must match are all that can, each once, however deep they are named', () => {
  expect(idsOf({ must: [city, { has_id: [1, 'a', 1] }] })).toEqual(['1', 'a']);
  expect(idsOf({ must: { must: [{ has_id: [7] }] } })).toEqual(['7']);
});

test('ids that may match, or must not, say nothing about the others', () => {
  expect(idsOf({ should: [{ has_id: [1] }, city] })).toBeUndefined();
  expect(idsOf({ must_not: { has_id: [1] } })).toBeUndefined();
  expect(idsOf({ must: { should: [{ has_id: [1] }, city] } })).toBeUndefined();
});

test('many ids are not looked up one by one', () => {
  const many = (count: number): number[] => Array.from({ length: count }, (_, id) => id);
  expect(idsOf({ must: { has_id: many(1_000) } })).toHaveLength(1_000);
  expect(idsOf({ must: { has_id: many(1_001) } })).toBeUndefined();
});
