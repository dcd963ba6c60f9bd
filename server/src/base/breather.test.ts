import { Breather } from './breather.ts';

test('work rests when its units are used up, and others get their turn', async () => {
  const breather = new Breather(10);
  expect(breather.spend(9)).toBe(false);
  expect(breather.spend(1)).toBe(true);
  const turns: string[] = [];
  setImmediate(() => turns.push('another'));
  await breather.rest();
  turns.push('this');
  expect(turns).toEqual(['another', 'this']);
  expect(breather.spend(9)).toBe(false);
});
