import { type LedGroup, planEvacuation } from './evacuation.ts';

const led = (group: number, candidates: string[], isTransferring = false): LedGroup => ({
  group,
  candidates,
  isTransferring,
});

test('groups are spread over the nodes that have room', () => {
  const plan = planEvacuation([0, 1, 2, 3].map((group) => led(group, ['node-2', 'node-3'])));
  expect(plan.map(({ to }) => to)).toEqual(['node-2', 'node-3', 'node-2', 'node-3']);
});

test('a group that nobody with room can lead stays', () => {
  expect(planEvacuation([led(0, []), led(1, ['node-2'])])).toEqual([{ group: 1, to: 'node-2' }]);
});

test('a group that is on its way is left alone', () => {
  expect(planEvacuation([led(0, ['node-2'], true)])).toEqual([]);
});
