import { FakeClock } from '../base/index.ts';
import { KvError, WriteBatch } from '../native/index.ts';
import { MemoryKv } from './memory-kv.ts';
import { PatientKv } from './patient-kv.ts';

/** A store whose queues are full for the first `refusals` calls. */
class BusyKv extends MemoryKv {
  refusals: number;
  calls = 0;

  constructor(refusals: number) {
    super('log');
    this.refusals = refusals;
  }

  override write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    return this.#admit() ?? super.write(batch, options);
  }

  override get(key: Buffer): Promise<Buffer | undefined> {
    return this.#admit() ?? super.get(key);
  }

  override multiGet(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#admit() ?? super.multiGet(keys);
  }

  #admit(): Promise<never> | undefined {
    this.calls += 1;
    return this.calls <= this.refusals
      ? Promise.reject(new KvError('KV_BUSY', 'too many writes are waiting'))
      : undefined;
  }
}

async function settled<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const progress = { isSettled: false };
  const watched = promise.finally(() => (progress.isSettled = true));
  for (let round = 0; !progress.isSettled && round < 1000; round++) {
    clock.advance(1);
    await Promise.resolve();
  }
  return watched;
}

const KEY = Buffer.from('k');
const batch = (): WriteBatch => new WriteBatch().put(KEY, Buffer.from('v'));

test('a write that finds the queue full is written when there is room', async () => {
  const clock = new FakeClock();
  const kv = new BusyKv(3);
  await settled(clock, new PatientKv(kv, clock).write(batch(), { sync: true }));
  expect(kv.calls).toBe(4);
  expect(await kv.crash().get(KEY)).toEqual(Buffer.from('v'));
});

test('reads wait for room as well', async () => {
  const clock = new FakeClock();
  const kv = new BusyKv(0);
  await kv.write(batch(), { sync: true });
  kv.refusals = 3;
  const patient = new PatientKv(kv, clock);
  expect(await settled(clock, patient.get(KEY))).toEqual(Buffer.from('v'));
  kv.refusals = 6;
  expect(await settled(clock, patient.multiGet([KEY]))).toEqual([Buffer.from('v')]);
});

test('a failure is not tried again', async () => {
  const clock = new FakeClock();
  const kv = new BusyKv(0);
  kv.failNextWrite();
  const write = new PatientKv(kv, clock).write(batch(), { sync: true });
  await expect(settled(clock, write)).rejects.toMatchObject({ code: 'KV_IO_ERROR' });
  expect(kv.calls).toBe(1);
});
