import { parseFieldPath } from './field-path.ts';

const key = (name: string) => ({ kind: 'key', key: name });
const all = { kind: 'all' };

test.each([
  ['a', [key('a')]],
  ['a.b', [key('a'), key('b')]],
  ['a-1.größe', [key('a-1'), key('größe')]],
  ['a[]', [key('a'), all]],
  ['a[].b[][2]', [key('a'), all, key('b'), all, { kind: 'index', index: 2 }]],
  ['"a.b"."c\\"d\\\\"', [key('a.b'), key('c"d\\')]],
])('%s is read', (text, steps) => {
  expect(parseFieldPath(text, 'key')).toEqual({ text, steps });
});

test.each([
  '',
  '.',
  'a.',
  '.a',
  'a[',
  'a]',
  'a[x]',
  'a[1',
  'a"b"',
  '"a',
  '"a"b',
  '[]',
  'a[-1]',
  'x'.repeat(513),
  5,
])('%j is no path', (text) => {
  expect(() => parseFieldPath(text, 'key')).toThrow(/^key /);
});

test('a path has at most 32 steps', () => {
  expect(parseFieldPath(Array(32).fill('a').join('.'), 'key').steps).toHaveLength(32);
  expect(() => parseFieldPath(Array(33).fill('a').join('.'), 'key')).toThrow('more than 32 steps');
});
