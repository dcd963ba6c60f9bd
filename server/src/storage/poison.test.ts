import { type KvErrorCode, KvError, WriteBatch } from '../native/index.ts';
import { type Database, RocksKv } from './rocks-kv.ts';

const KEY = Buffer.from('k');

/** Every call of a store, by its name. */
const CALLS: Readonly<Record<string, (kv: RocksKv) => Promise<unknown>>> = {
  'a synced write': (kv) => kv.write(new WriteBatch().put(KEY, KEY), { sync: true }),
  'a write': (kv) => kv.write(new WriteBatch().put(KEY, KEY), { sync: false }),
  'a flush': (kv) => kv.flush(),
  'a read': (kv) => kv.get(KEY),
  'a read of several keys': (kv) => kv.multiGet([KEY]),
  'an iteration': async (kv) => {
    for await (const chunk of kv.iterate({})) expect(chunk.length).toBeGreaterThan(0);
  },
  'a checkpoint': (kv) => kv.checkpoint('copy'),
};
const NAMES = Object.keys(CALLS);

/** A database whose calls fail with `error` while there is one, and that counts them. */
function brokenDatabase(state: { error: Error | undefined; calls: number }): Database {
  const call = <T>(answer: T): Promise<T> => {
    state.calls += 1;
    return state.error === undefined ? Promise.resolve(answer) : Promise.reject(state.error);
  };
  const scan = { next: () => call({ entries: [], done: true }), close: () => Promise.resolve() };
  return {
    write: () => call(undefined),
    get: () => call(undefined),
    multiGet: () => call([undefined]),
    scan: () => scan as unknown as ReturnType<Database['scan']>,
    flush: () => call(undefined),
    checkpoint: () => call(undefined),
    property: () => undefined,
    cacheCounts: () => ({ hits: 0, misses: 0 }),
    close: () => Promise.resolve(),
  };
}

function brokenStore(error: Error) {
  const state: { error: Error | undefined; calls: number } = { error, calls: 0 };
  const failures: Error[] = [];
  const kv = new RocksKv(brokenDatabase(state), (failure) => failures.push(failure));
  return { kv, state, failures };
}

const ofRocksDb = (code: KvErrorCode): KvError =>
  new KvError(code, code, { code: 5, subcode: 0, severity: 0 });

describe.each(['KV_IO_ERROR', 'KV_NO_SPACE', 'KV_CORRUPTION'] satisfies KvErrorCode[])('after %s', (code) => {
  test.each(NAMES)('of %s the store says so once and no call reaches the disk any more', async (name) => {
    const error = ofRocksDb(code);
    const { kv, state, failures } = brokenStore(error);
    await expect(CALLS[name]!(kv)).rejects.toBe(error);
    expect(failures).toEqual([error]);

    state.error = undefined;
    const { calls } = state;
    for (const later of NAMES) await expect(CALLS[later]!(kv)).rejects.toMatchObject({ code: 'KV_POISONED' });
    expect(state.calls).toBe(calls);
    expect(failures).toHaveLength(1);
  });
});

test('a failed write poisons whatever RocksDB calls it: it may be in the log', async () => {
  for (const code of ['KV_BUSY', 'KV_FAILED', 'KV_INVALID_ARGUMENT'] satisfies KvErrorCode[]) {
    const { kv, failures } = brokenStore(ofRocksDb(code));
    await expect(CALLS['a write']!(kv)).rejects.toMatchObject({ code });
    expect(failures).toHaveLength(1);
  }
});

test('a full queue is no failure: nothing was tried', async () => {
  for (const code of ['KV_BUSY', 'POOL_FULL'] satisfies KvErrorCode[]) {
    const { kv, state, failures } = brokenStore(new KvError(code, 'full'));
    for (const name of NAMES) await expect(CALLS[name]!(kv)).rejects.toMatchObject({ code });
    expect(failures).toEqual([]);
    state.error = undefined;
    for (const name of NAMES) await CALLS[name]!(kv);
  }
});
