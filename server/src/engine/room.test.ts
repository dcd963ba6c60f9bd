import { KvError } from '../storage/index.ts';
import { orRefused } from './room.ts';

test('a client that finds no room is told to come back', async () => {
  const full = new KvError('POOL_FULL', 'the queue is full');
  await expect(orRefused(Promise.reject(full))).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  await expect(orRefused(Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
  expect(await orRefused(Promise.resolve(1))).toBe(1);
});
