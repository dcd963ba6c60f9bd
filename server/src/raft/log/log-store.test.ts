import { type KvStore, MemoryKv, WriteBatch } from '../../storage/index.ts';
import type { ConfState, Entry, Persist } from '../core/index.ts';
import { EntryEncoder } from './entry-record.ts';
import type { GroupLog } from './group-log.ts';
import { entryKey, SEQUENCE_KEY, stateKey, STATE_ROW } from './keys.ts';
import { LogCorruptionError, LogStore } from './log-store.ts';
import { baseRow } from './state-record.ts';

const CONF: ConfState = {
  voters: [1, 2, 3],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};
const START = { replicaId: 1, confState: CONF };
const SYNC = { sync: true };
const ALL = { bytesMax: 1 << 30, replica: 1 };

const entry = (index: number, term: number, text = `entry ${index}`): Entry => ({
  index,
  term,
  kind: 'normal',
  data: Buffer.from(text),
});

function persist(entries: readonly Entry[], hardState?: Persist['hardState']): Persist {
  return { token: 1, entries, hardState, snapshot: undefined, mustSync: true, messagesAfter: [] };
}

const open = (kv: KvStore): Promise<LogStore> => LogStore.open(kv, { tailBytesMax: 1 << 20 });

/** A store with one group of ten entries: five of term 1, five of term 2. */
async function filled(): Promise<MemoryKv> {
  const kv = new MemoryKv('log');
  const store = await open(kv);
  const log = store.create(7, START);
  const entries = Array.from({ length: 10 }, (_, at) => entry(at + 1, at < 5 ? 1 : 2));
  await store.write([{ log, persist: persist(entries, { term: 2, vote: 3, commit: 8 }) }], SYNC);
  return kv;
}

function logOf(store: LogStore, group = 7): GroupLog {
  const loaded = store.group(group);
  if (loaded?.kind !== 'ok') throw new Error(loaded?.reason ?? 'nothing is stored');
  return loaded.log;
}

function texts(log: GroupLog, from: number, to: number): string[] {
  const result = log.entries({ from, to, ...ALL });
  return result.kind === 'ok' ? result.entries.map(({ data }) => data.toString()) : [result.kind];
}

/** Changes the stored bytes behind the back of the store. */
async function tamper(kv: MemoryKv, change: (batch: WriteBatch) => void): Promise<LogStore> {
  const batch = new WriteBatch();
  change(batch);
  await kv.write(batch, SYNC);
  return open(kv);
}

const damage = (store: LogStore, group = 7): string | undefined => {
  const loaded = store.group(group);
  return loaded?.kind === 'damaged' ? loaded.reason : undefined;
};

async function valueOf(kv: MemoryKv, key: Buffer): Promise<Buffer> {
  const value = await kv.get(key);
  if (value === undefined) throw new Error('the row is missing');
  return value;
}

describe('the log store', () => {
  test('gives back after a restart what was written', async () => {
    const log = logOf(await open((await filled()).crash()));
    expect(log.initialState()).toEqual({ hardState: { term: 2, vote: 3, commit: 8 }, confState: CONF });
    expect([log.firstIndex(), log.lastIndex()]).toEqual([1, 10]);
    expect([0, 1, 5, 6, 10, 11].map((index) => log.term(index))).toEqual([0, 1, 1, 2, 2, undefined]);
    expect(texts(log, 4, 7)).toEqual(['entry 4', 'entry 5', 'entry 6']);
    const result = log.entries({ from: 10, to: 11, ...ALL });
    expect(result.kind === 'ok' && result.entries[0]).toEqual(entry(10, 2));
  });

  test('shows entries when they are durable, not before', async () => {
    const store = await open(new MemoryKv('log'));
    const log = store.create(0, START);
    const writing = store.write([{ log, persist: persist([entry(1, 1)]) }], SYNC);
    expect(log.lastIndex()).toBe(0);
    await writing;
    expect(log.lastIndex()).toBe(1);
  });

  test('replaces a conflicting end, also when the new one is shorter', async () => {
    const kv = await filled();
    const store = await open(kv);
    await store.write(
      [{ log: logOf(store), persist: persist([entry(7, 3, 'new')], { term: 3, vote: 0, commit: 6 }) }],
      SYNC,
    );
    const log = logOf(await open(kv.crash()));
    expect(log.lastIndex()).toBe(7);
    expect(texts(log, 6, 8)).toEqual(['entry 6', 'new']);
  });

  test('keeps one chain when one batch holds entries and their replacement', async () => {
    const kv = await filled();
    const store = await open(kv);
    const log = logOf(store);
    const first = persist([entry(11, 2), entry(12, 2), entry(13, 2)]);
    const second = persist([entry(12, 3, 'twelve')], { term: 3, vote: 0, commit: 8 });
    await store.write(
      [
        { log, persist: first },
        { log, persist: second },
      ],
      SYNC,
    );
    expect(log.lastIndex()).toBe(12);
    expect(texts(logOf(await open(kv.crash())), 11, 13)).toEqual(['entry 11', 'twelve']);
  });

  test('writes several groups in one batch and counts batches', async () => {
    const kv = new MemoryKv('log');
    const store = await open(kv);
    const staged = [0, 1, 0xffff].map((group) => ({
      log: store.create(group, START),
      persist: persist([entry(1, 1, `of ${group}`)], { term: 1, vote: 1, commit: 0 }),
    }));
    await store.write(staged, SYNC);
    await store.write([], SYNC);
    const again = await open(kv.crash());
    expect(again.sequence).toBe(1);
    expect([0, 1, 0xffff].map((group) => texts(logOf(again, group), 1, 2))).toEqual([
      ['of 0'],
      ['of 1'],
      ['of 65535'],
    ]);
  });

  test('stays consistent when a crash loses the batches that were not synced', async () => {
    for (const keptBatches of [0, 1, 2]) {
      const kv = await filled();
      const store = await open(kv);
      const write = (entries: Entry[], commit: number): Promise<unknown> =>
        store.write([{ log: logOf(store), persist: persist(entries, { term: 2, vote: 3, commit }) }], {
          sync: false,
        });
      await write([entry(11, 2)], 9);
      await write([entry(12, 2)], 10);
      const log = logOf(await open(kv.crash({ keptBatches })));
      expect(log.lastIndex()).toBe(10 + keptBatches);
    }
  });

  test('stores the whole state of a new group with its first batch, whatever that holds', async () => {
    const kv = new MemoryKv('log');
    const store = await open(kv);
    await store.write([{ log: store.create(7, START), persist: persist([]) }], SYNC);
    const log = logOf(await open(kv.crash()));
    expect(log.initialState()).toEqual({ hardState: { term: 0, vote: 0, commit: 0 }, confState: CONF });
  });

  test('stores a changed configuration with the next batch', async () => {
    const kv = await filled();
    const store = await open(kv);
    const confState = { ...CONF, voters: [1, 2, 4] };
    logOf(store).setConfiguration({ index: 9, confState });
    await store.write([{ log: logOf(store), persist: persist([]) }], SYNC);
    const log = logOf(await open(kv.crash()));
    expect(log.configurationIndex).toBe(9);
    expect(log.initialState().confState).toEqual(confState);
  });
});

describe('memory', () => {
  test('holds the newest entries; older ones are read for the replica that asked', async () => {
    const store = await LogStore.open(await filled(), { tailBytesMax: 500 });
    const log = logOf(store);
    expect(log.tailBytes).toBeLessThanOrEqual(500);
    expect(texts(log, 10, 11)).toEqual(['entry 10']);
    expect(texts(log, 2, 5)).toEqual(['unavailable']);
    const [missing] = log.takeMissing();
    expect(missing).toMatchObject({ from: 2, to: 5, replica: 1 });
    log.setLoaded(1, await store.read(log, missing!));
    expect(texts(log, 2, 5)).toEqual(['entry 2', 'entry 3', 'entry 4']);
    expect(log.takeMissing()).toEqual([]);
  });

  test('a read entry that was cut off meanwhile does not come back', async () => {
    const store = await LogStore.open(await filled(), { tailBytesMax: 0 });
    const log = logOf(store);
    const read = await store.read(log, { from: 6, to: 11, ...ALL });
    await store.write([{ log, persist: persist([entry(8, 3, 'new')]) }], SYNC);
    log.setLoaded(1, read);
    expect(texts(log, 6, 9)).toEqual(['entry 6', 'entry 7']);
    log.setLoaded(1, await store.read(log, { from: 6, to: 9, ...ALL }));
    await store.write([{ log, persist: persist([entry(7, 4, 'newer')]) }], SYNC);
    expect(texts(log, 6, 8)).toEqual(['entry 6']);
  });

  test('reading fails when the disk gives back something else', async () => {
    const kv = await filled();
    const store = await LogStore.open(kv, { tailBytesMax: 0 });
    const range = { from: 2, to: 5, ...ALL };
    await tamper(kv, (batch) => batch.delete(entryKey(7, 3)));
    await expect(store.read(logOf(store), range)).rejects.toThrow(LogCorruptionError);
    await tamper(kv, (batch) => batch.deleteRange(entryKey(7, 1), entryKey(7, 11)));
    await expect(store.read(logOf(store), range)).rejects.toThrow('an entry is missing');
  });
});

describe('a log that the disk has changed is damaged', () => {
  test.each([
    ['a flipped bit in an entry', 'CRC does not fit', entryKey(7, 4), 16],
    ['a flipped bit in the hard state', 'CRC does not fit', stateKey(7, STATE_ROW.hardState), 3],
    ['a flipped bit in the configuration', 'CRC does not fit', stateKey(7, STATE_ROW.configuration), 3],
    ['a flipped bit in the batch sequence', 'the batch sequence cannot be read', SEQUENCE_KEY, 3],
  ])('%s', async (_what, reason, key, at) => {
    const kv = await filled();
    const value = await valueOf(kv, key);
    value.writeUInt8(value.readUInt8(at) ^ 1, at);
    expect(damage(await tamper(kv, (batch) => batch.put(key, value)))).toContain(reason);
  });

  test.each([
    ['a hole', 'a hole in the log: 5 follows 3', [entryKey(7, 4)]],
    ['a lost beginning', 'a hole in the log: 2 follows 0', [entryKey(7, 1)]],
    [
      'an end below the commit index',
      'commit 8 is behind the last index 7',
      [8, 9, 10].map((at) => entryKey(7, at)),
    ],
    ['a lost hard state', 'hard state or the configuration is missing', [stateKey(7, STATE_ROW.hardState)]],
    [
      'a lost configuration',
      'hard state or the configuration is missing',
      [stateKey(7, STATE_ROW.configuration)],
    ],
    ['a lost batch sequence', 'the batch sequence is missing', [SEQUENCE_KEY]],
  ])('%s', async (_what, reason, lost) => {
    const store = await tamper(await filled(), (batch) => {
      for (const key of lost) batch.delete(key);
    });
    expect(damage(store)).toContain(reason);
  });

  test('an entry of another log at the right place breaks the chain', async () => {
    const kv = await filled();
    const other = new MemoryKv('log');
    const store = await open(other);
    const log = store.create(7, START);
    const entries = Array.from({ length: 10 }, (_, at) => entry(at + 1, at < 5 ? 1 : 2, `other ${at}`));
    await store.write([{ log, persist: persist(entries, { term: 2, vote: 0, commit: 0 }) }], SYNC);
    const foreign = await valueOf(other, entryKey(7, 4));
    expect(damage(await tamper(kv, (batch) => batch.put(entryKey(7, 4), foreign)))).toContain(
      'the chain is broken at index 4',
    );
  });

  test('an entry of an earlier term than the one before it is refused, although the chain fits', async () => {
    const kv = await filled();
    const record = new EntryEncoder().encode(7, entry(11, 1), logOf(await open(kv)).crcOf(10));
    const after = await tamper(kv, (batch) => batch.put(record.key, record.value));
    expect(damage(after)).toContain('the term falls at index 11');
  });

  test('an entry under another index or in another group is refused', async () => {
    const kv = await filled();
    const value = await valueOf(kv, entryKey(7, 10));
    expect(damage(await tamper(kv, (batch) => batch.put(entryKey(7, 11), value)))).toContain(
      'CRC does not fit',
    );
  });

  test('one damaged group leaves the others whole', async () => {
    const kv = await filled();
    const store = await open(kv);
    const log = store.create(8, START);
    await store.write([{ log, persist: persist([entry(1, 1)], { term: 1, vote: 1, commit: 0 }) }], SYNC);
    const after = await tamper(kv, (batch) => batch.delete(entryKey(7, 4)));
    expect(damage(after, 7)).toBeDefined();
    expect(logOf(after, 8).lastIndex()).toBe(1);
  });
});

describe('compaction', () => {
  const compacted = async (kv: MemoryKv, index: number): Promise<LogStore> => {
    const store = await open(kv);
    store.compact(logOf(store), index);
    expect(store.isCompactionDue).toBe(true);
    await store.write([], { sync: false });
    expect(store.isCompactionDue).toBe(false);
    return store;
  };
  const keysOf = async (kv: MemoryKv): Promise<number> => {
    let count = 0;
    for await (const rows of kv.iterate({ gte: entryKey(7, 1), lt: entryKey(8, 0) })) count += rows.length;
    return count;
  };

  test('removes the beginning; terms, chain and the rest stay, also after a restart', async () => {
    const kv = await filled();
    const store = await compacted(kv, 6);
    const check = (log: GroupLog): void => {
      expect([log.firstIndex(), log.lastIndex()]).toEqual([7, 10]);
      expect([5, 6, 7].map((index) => log.term(index))).toEqual([undefined, 2, 2]);
      expect(texts(log, 6, 8)).toEqual(['compacted']);
      expect(texts(log, 7, 9)).toEqual(['entry 7', 'entry 8']);
    };
    check(logOf(store));
    expect(await keysOf(kv)).toBe(4);
    const after = await open(kv.crash({ keptBatches: 1 }));
    check(logOf(after));
    await after.write([{ log: logOf(after), persist: persist([entry(11, 2)]) }], SYNC);
    expect(logOf(after).lastIndex()).toBe(11);
  });

  test('needs no sync: a crash that loses it brings the whole log back', async () => {
    const kv = await filled();
    await compacted(kv, 6);
    expect(logOf(await open(kv.crash())).firstIndex()).toBe(1);
  });

  test('goes no further than the stored commit index', async () => {
    const store = await compacted(await filled(), 10);
    expect(logOf(store).firstIndex()).toBe(9);
  });

  test('answers nothing for what was forgotten while somebody wanted to read it', async () => {
    const store = await compacted(await filled(), 6);
    expect(await store.read(logOf(store), { from: 3, to: 5, ...ALL })).toEqual([]);
  });

  test('a log that lost its base is damaged', async () => {
    const kv = await filled();
    await compacted(kv, 6);
    const store = await tamper(kv, (batch) => batch.delete(stateKey(7, STATE_ROW.base)));
    expect(damage(store)).toContain('a hole in the log: 7 follows 0');
  });

  test('a base behind the commit index is damage', async () => {
    const kv = await filled();
    const store = await tamper(kv, (batch) => {
      const row = baseRow(7, { index: 10, term: 2, crc: 1 });
      batch.put(row.key, row.value).deleteRange(entryKey(7, 1), entryKey(7, 11));
    });
    expect(damage(store)).toContain('commit 8 is before index 10');
  });
});

describe('a snapshot', () => {
  const snapshot = { index: 20, term: 3, confState: { ...CONF, voters: [1, 2], learners: [4] } };
  const install: Persist = { ...persist([entry(21, 3)], { term: 3, vote: 0, commit: 20 }), snapshot };

  test('replaces log, configuration and generation in one batch', async () => {
    const kv = await filled();
    const store = await open(kv);
    expect(store.generation(7)).toBe(1);
    await store.write([{ log: logOf(store), persist: install, generation: 2 }], SYNC);
    for (const at of [store, await open(kv.crash())]) {
      const log = logOf(at);
      expect([log.firstIndex(), log.lastIndex(), at.generation(7)]).toEqual([21, 21, 2]);
      expect([log.term(10), log.term(20), log.term(21)]).toEqual([undefined, 3, 3]);
      expect(texts(log, 21, 22)).toEqual(['entry 21']);
      expect([log.initialState().confState, log.configurationIndex]).toEqual([snapshot.confState, 20]);
    }
  });

  test('shows the log before it until it is durable, and reads nothing that it has removed', async () => {
    const kv = await filled();
    const store = await open(kv);
    const log = logOf(store);
    const writing = store.write([{ log, persist: install, generation: 2 }], SYNC);
    expect([log.firstIndex(), log.lastIndex()]).toEqual([1, 10]);
    expect(await store.read(log, { from: 3, to: 5, ...ALL })).toEqual([]);
    await writing;
    expect(log.firstIndex()).toBe(21);
  });

  test('needs the generation that holds its data', async () => {
    const store = await open(await filled());
    await expect(store.write([{ log: logOf(store), persist: install }], SYNC)).rejects.toThrow('generation');
  });
});

describe('the log of another replica in the place of a log', () => {
  const HARD = { term: 1, vote: 0, commit: 1 };
  const EMPTY = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

  test('is empty, belongs to it, and has its generation, also after a restart', async () => {
    const kv = new MemoryKv('log');
    const store = await LogStore.open(kv, { tailBytesMax: 1e6 });
    const other = store.create(8, START);
    const log = store.create(7, START);
    await store.write([{ log, persist: persist([entry(1, 1), entry(2, 1)], HARD) }], SYNC);
    await store.write([{ log: other, persist: persist([entry(1, 1)], HARD) }], SYNC);
    expect(store.replicaId(7)).toBe(1);
    await store.reset(7, { replicaId: 4, generation: 3 });
    for (const opened of [store, await LogStore.open(kv.crash(), { tailBytesMax: 1e6 })]) {
      const loaded = opened.group(7);
      if (loaded?.kind !== 'ok') throw new Error('the log is not there');
      expect(loaded.log.lastIndex()).toBe(0);
      expect(loaded.log.initialState()).toEqual({
        hardState: { term: 0, vote: 0, commit: 0 },
        confState: EMPTY,
      });
      expect([opened.replicaId(7), opened.generation(7)]).toEqual([4, 3]);
      expect([opened.replicaId(8), opened.generation(8)]).toEqual([1, 1]);
      expect(opened.group(8)).toMatchObject({ kind: 'ok' });
    }
  });

  test('also when what is stored is damaged', async () => {
    const kv = new MemoryKv('log');
    const store = await LogStore.open(kv, { tailBytesMax: 1e6 });
    await store.write(
      [{ log: store.create(7, START), persist: persist([entry(1, 1), entry(2, 1)], HARD) }],
      SYNC,
    );
    await kv.write(new WriteBatch().delete(entryKey(7, 1)), SYNC);
    const damaged = await LogStore.open(kv, { tailBytesMax: 1e6 });
    expect(damaged.group(7)?.kind).toBe('damaged');
    expect(damaged.replicaId(7)).toBe(1);
    await damaged.reset(7, { replicaId: 2, generation: 2 });
    const opened = await LogStore.open(kv.crash(), { tailBytesMax: 1e6 });
    expect([opened.replicaId(7), opened.generation(7)]).toEqual([2, 2]);
  });
});
