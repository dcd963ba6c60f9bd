import { collect, describeKvContract } from './kv-contract.ts';
import type { KvProfile } from './kv-store.ts';
import { MemoryKv, PoisonedError, WriteBatch } from './index.ts';

for (const profile of ['log', 'data'] satisfies KvProfile[]) {
  describeKvContract(`MemoryKv (${profile})`, () => {
    let kv = new MemoryKv(profile);
    return Promise.resolve({
      profile,
      checkpointName: 'checkpoint',
      open: () => Promise.resolve(kv),
      reopen: () => Promise.resolve((kv = kv.reopen())),
      openCheckpoint: () => Promise.resolve(kv.openCheckpoint('checkpoint')),
      dispose: () => Promise.resolve(),
    });
  });
}

const b = (text: string): Buffer => Buffer.from(text);
const put = (kv: MemoryKv, key: string, sync: boolean): Promise<void> =>
  kv.write(new WriteBatch().put(b(key), b('v')), { sync });

test('a crash keeps what was synced and as many later batches as it is told', async () => {
  const write = async (): Promise<MemoryKv> => {
    const kv = new MemoryKv('log');
    await put(kv, 'a', false);
    await put(kv, 'b', true);
    await put(kv, 'c', false);
    await put(kv, 'd', false);
    expect(kv.volatileBatches).toBe(2);
    return kv;
  };
  expect(await collect((await write()).crash())).toEqual(['a=v', 'b=v']);
  expect(await collect((await write()).crash({ keptBatches: 1 }))).toEqual(['a=v', 'b=v', 'c=v']);
});

test('a crash of a store without a log goes back to the last flush', async () => {
  const kv = new MemoryKv('data');
  await put(kv, 'a', false);
  await kv.flush();
  await put(kv, 'b', false);
  const found = kv.crash();
  await expect(kv.get(b('a'))).rejects.toMatchObject({ code: 'KV_CLOSED' });
  expect(await collect(found)).toEqual(['a=v']);
});

test('after a failed write every call is refused with its cause, until the store is opened again', async () => {
  const kv = new MemoryKv('log');
  await put(kv, 'a', true);
  kv.failNextWrite();
  await expect(put(kv, 'b', true)).rejects.toMatchObject({ code: 'KV_IO_ERROR' });
  for (const call of [
    () => put(kv, 'c', true),
    () => kv.get(b('a')),
    () => kv.multiGet([b('a')]),
    () => collect(kv),
    () => kv.flush(),
    () => kv.checkpoint('x'),
  ]) {
    const refused = call();
    await expect(refused).rejects.toBeInstanceOf(PoisonedError);
    await expect(refused).rejects.toMatchObject({ code: 'KV_POISONED', cause: { code: 'KV_IO_ERROR' } });
  }
  await kv.close();
  expect(await collect(kv.reopen())).toEqual(['a=v']);
});

test('a write whose failure survives is found after a crash, as after a sync that failed late', async () => {
  const kv = new MemoryKv('log');
  kv.failNextWrite({ survives: true });
  await expect(put(kv, 'a', true)).rejects.toMatchObject({ code: 'KV_IO_ERROR' });
  expect(await collect(kv.crash())).toEqual(['a=v']);
});

test('a failed flush poisons too', async () => {
  const kv = new MemoryKv('data');
  kv.failNextWrite();
  await expect(kv.flush()).rejects.toMatchObject({ code: 'KV_IO_ERROR' });
  await expect(put(kv, 'a', false)).rejects.toBeInstanceOf(PoisonedError);
});
