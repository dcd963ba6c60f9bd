import { FakeClock } from '../base/index.ts';
import { KvError } from '../native/index.ts';
import { untilRoom } from './room.ts';

const full = (): KvError => new KvError('POOL_FULL', 'the queue is full');

/** Work that finds no room for `refusals` times. */
function busy(refusals: number): { calls: number; work: () => Promise<string> } {
  const state = {
    calls: 0,
    work: (): Promise<string> => {
      state.calls += 1;
      return state.calls <= refusals ? Promise.reject(full()) : Promise.resolve('done');
    },
  };
  return state;
}

async function settledWith<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const progress = { isSettled: false };
  const watched = promise.finally(() => (progress.isSettled = true));
  for (let round = 0; !progress.isSettled && round < 100_000; round++) {
    clock.advance(1);
    await Promise.resolve();
  }
  return watched;
}

test('work that must not be refused waits until there is room', async () => {
  const clock = new FakeClock();
  const state = busy(3);
  expect(await settledWith(clock, untilRoom(clock, state.work))).toBe('done');
  expect(state.calls).toBe(4);
});

test('a queue that never has room ends the waiting', async () => {
  const clock = new FakeClock();
  await expect(settledWith(clock, untilRoom(clock, busy(Infinity).work))).rejects.toThrow('full');
});

test('any other failure is not repeated', async () => {
  const clock = new FakeClock();
  const work = jest.fn(() => Promise.reject(new Error('damaged')));
  await expect(untilRoom(clock, work)).rejects.toThrow('damaged');
  expect(work).toHaveBeenCalledTimes(1);
});

test('what RocksDB itself calls busy is a failure: it has happened', async () => {
  const clock = new FakeClock();
  const error = new KvError('KV_BUSY', 'Resource busy', { code: 11, subcode: 0, severity: 0 });
  const work = jest.fn(() => Promise.reject(error));
  await expect(untilRoom(clock, work)).rejects.toBe(error);
  expect(work).toHaveBeenCalledTimes(1);
});
