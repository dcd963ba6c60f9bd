import type { Operation } from '../chaos/history.ts';
import { checkKey } from '../chaos/linearizable.ts';
import { checkVersions } from '../chaos/version-order.ts';

type Step = Partial<Operation> & { op: Operation['op']; value?: string | null };

const put = (value: string, call: number, end: number | null, version?: number): Step => ({
  op: 'put',
  value,
  call,
  return: end,
  ...(version !== undefined && { version }),
});
const get = (value: string | null, call: number, end: number | null, version?: number): Step => ({
  op: 'get',
  value,
  call,
  return: end,
  ...(version !== undefined && { version }),
});
const remove = (call: number, end: number | null): Step => ({ op: 'delete', value: null, call, return: end });

const history = (...steps: Step[]): Operation[] =>
  steps.map((step, client) => ({
    client,
    key: 'k',
    ok: step.return !== null,
    call: 0,
    return: 0,
    value: null,
    ...step,
  }));

test.each([
  [
    'one after the other',
    history(get(null, 0, 1), put('a', 2, 3), get('a', 4, 5), remove(6, 7), get(null, 8, 9)),
  ],
  ['a read beside a write may find either', history(put('a', 0, 10), get(null, 1, 2), get('a', 3, 4))],
  ['two writes at once in either order', history(put('a', 0, 5), put('b', 0, 5), get('a', 6, 7))],
  ['an open write that took effect later', history(put('a', 0, null), get(null, 1, 2), get('a', 3, 4))],
  ['an open write that never did', history(put('a', 0, null), get(null, 1, 2), get(null, 3, 4))],
  ['an open delete', history(put('a', 0, 1), remove(2, null), get('a', 3, 4), get(null, 5, 6))],
  ['a refused write', history({ ...put('a', 0, 1), ok: false }, get(null, 2, 3))],
])('%s: linearizable', (_, operations) => {
  expect(checkKey(operations)).toBe('linearizable');
});

test.each([
  ['a lost write', history(put('a', 0, 1), get(null, 2, 3))],
  ['a stale read', history(put('a', 0, 1), put('b', 2, 3), get('a', 4, 5))],
  ['a value that comes back', history(put('a', 0, 1), put('b', 2, 3), get('b', 4, 5), get('a', 6, 7))],
  ['a write that was done twice', history(put('a', 0, 1), remove(2, 3), get(null, 4, 5), get('a', 6, 7))],
  ['a refused write that shows', history({ ...put('a', 0, 1), ok: false }, get('a', 2, 3))],
  [
    'a read that goes back, beside an open write',
    history(put('a', 0, null), get('a', 1, 2), get(null, 3, 4)),
  ],
  ['a delete without effect', history(put('a', 0, 1), remove(2, 3), get('a', 4, 5))],
])('%s: a violation', (_, operations) => {
  expect(checkKey(operations)).toBe('violation');
});

test('many operations of a few clients are decided', () => {
  const steps: Step[] = [];
  for (let i = 0; i < 400; i += 1) {
    steps.push(put(`v${i}`, i * 10, i * 10 + 8), get(`v${i}`, i * 10 + 4, i * 10 + 12));
    if (i % 40 === 0) steps.push(put(`open${i}`, i * 10 + 1, null));
  }
  expect(checkKey(history(...steps))).toBe('linearizable');
});

test.each([
  [
    'a read that is older than an acknowledged write',
    history(put('a', 0, 1, 5), put('b', 2, 3, 9), get('a', 4, 5, 5)),
    1,
  ],
  ['two values of one version', history(put('a', 0, 1, 5), get('b', 2, 3, 5)), 1],
  ['reads that go back', history(get('b', 0, 1, 9), get('a', 2, 3, 5)), 1],
  ['a read beside the write', history(put('a', 0, 1, 5), put('b', 2, 9, 9), get('a', 4, 5, 5)), 0],
])('versions: %s', (_, operations, problems) => {
  expect(checkVersions('k', operations)).toHaveLength(problems);
});
