import { type KvEntry, MemoryKv, WriteBatch } from '../../storage/index.ts';
import type { ConfState, Entry, Persist } from '../core/index.ts';
import { STATE_ROW } from './keys.ts';
import { LogStore } from './log-store.ts';

const GROUP = 7;
const CONF: ConfState = {
  voters: [1, 2],
  votersOutgoing: [],
  learners: [3],
  learnersNext: [],
  autoLeave: false,
};
const SYNC = { sync: true };

const open = (kv: MemoryKv): Promise<LogStore> => LogStore.open(kv, { tailBytesMax: 1 << 20 });

/** The rows of a group that was brought up by a snapshot at index 20 and has two entries behind it: one of every kind. */
async function everyRow(): Promise<KvEntry[]> {
  const kv = new MemoryKv('log');
  const store = await open(kv);
  const log = store.create(GROUP, { replicaId: 1, confState: CONF });
  const entries = [21, 22].map((index): Entry => ({
    index,
    term: 3,
    kind: 'normal',
    data: Buffer.from('data'),
  }));
  const persist: Persist = {
    token: 1,
    entries,
    hardState: { term: 3, vote: 2, commit: 21 },
    snapshot: { index: 20, term: 3, confState: CONF },
    mustSync: true,
    messagesAfter: [],
  };
  await store.write([{ log, persist, generation: 2 }], SYNC);
  const rows: KvEntry[] = [];
  for await (const chunk of kv.iterate({})) rows.push(...chunk);
  return rows;
}

async function storeOf(rows: readonly KvEntry[]): Promise<LogStore> {
  const kv = new MemoryKv('log');
  const batch = new WriteBatch();
  for (const { key, value } of rows) batch.put(key, value);
  await kv.write(batch, SYNC);
  return open(kv);
}

const kindOf = (key: Buffer): string =>
  key.length === 1 ? 'sequence' : key.length === 10 ? 'entry' : `state ${String(key[10])}`;

test('the rows are of every kind, and whole', async () => {
  const rows = await everyRow();
  const states = Object.values(STATE_ROW).map((row) => `state ${row}`);
  expect(new Set(rows.map(({ key }) => kindOf(key)))).toEqual(new Set(['sequence', 'entry', ...states]));
  expect((await storeOf(rows)).group(GROUP)?.kind).toBe('ok');
});

test('a flipped bit in any byte of any row makes the group damaged, with a reason; reading goes on', async () => {
  const rows = await everyRow();
  for (const [which, { key, value }] of rows.entries()) {
    for (let at = 0; at < value.length; at += 1) {
      const changed = Buffer.from(value);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
      const loaded = (await storeOf(rows.with(which, { key, value: changed }))).group(GROUP);
      expect([kindOf(key), at, loaded]).toEqual([
        kindOf(key),
        at,
        expect.objectContaining({
          kind: 'damaged',
          reason: expect.stringMatching(/CRC|cannot be read/) as unknown,
        }),
      ]);
    }
  }
});

test('a row that was cut off at any length makes the group damaged', async () => {
  const rows = await everyRow();
  for (const [which, { key, value }] of rows.entries()) {
    for (let length = 0; length < value.length; length += 1) {
      const cut = { key, value: value.subarray(0, length) };
      const loaded = (await storeOf(rows.with(which, cut))).group(GROUP);
      expect([kindOf(key), length, loaded?.kind]).toEqual([kindOf(key), length, 'damaged']);
    }
  }
});
