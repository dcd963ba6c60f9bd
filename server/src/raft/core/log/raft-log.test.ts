import { confOf } from '../testing/cluster.ts';
import { MemoryStorage } from '../testing/memory-storage.ts';
import type { Entry } from '../types.ts';
import { ApplyQueue } from './apply-queue.ts';
import { RaftLog } from './raft-log.ts';

/** Entries from `from` on, of these terms, each with a payload of as many bytes as its term. */
function entries(from: number, ...terms: number[]): Entry[] {
  return terms.map((term, at) => ({ index: from + at, term, kind: 'normal', data: Buffer.alloc(term) }));
}

function logOf(...terms: number[]): { log: RaftLog; storage: MemoryStorage } {
  const storage = new MemoryStorage(confOf([1]));
  storage.preload(entries(1, ...terms), { term: terms.at(-1) ?? 0, vote: 0, commit: 0 });
  return { log: new RaftLog(storage, 0), storage };
}

function termsOf(log: RaftLog): number[] {
  const result = log.entries({ from: 1, to: log.lastIndex + 1, bytesMax: Infinity, replica: 1 });
  return result.kind === 'ok' ? result.entries.map((entry) => entry.term) : [];
}

/** Writes what was not written, as the driver does, and calls it durable. */
function persist(log: RaftLog, storage: MemoryStorage): void {
  const { entries: unwritten, snapshot } = log.unstable.takeUnwritten();
  const { lastIndex, lastTerm } = log;
  storage.write({
    token: 1,
    entries: unwritten,
    snapshot,
    hardState: undefined,
    mustSync: true,
    messagesAfter: [],
  });
  if (snapshot !== undefined) log.unstable.stableSnapshotTo(snapshot.index);
  log.stableTo(lastIndex, lastTerm);
}

describe('the log', () => {
  it('takes entries behind the one they follow on', () => {
    const { log } = logOf(1, 2);
    expect(log.appendAfter({ index: 2, term: 2 }, entries(3, 2, 3))).toBe(true);
    expect(termsOf(log)).toEqual([1, 2, 2, 3]);
  });

  it('refuses entries that follow on something else', () => {
    const { log } = logOf(1, 2);
    expect(log.appendAfter({ index: 2, term: 1 }, entries(3, 2))).toBe(false);
    expect(log.appendAfter({ index: 3, term: 2 }, entries(4, 2))).toBe(false);
    expect(termsOf(log)).toEqual([1, 2]);
  });

  it('is not cut by an old message that it agrees with', () => {
    const { log } = logOf(1, 2, 2, 2);
    expect(log.appendAfter({ index: 1, term: 1 }, entries(2, 2))).toBe(true);
    expect(log.appendAfter({ index: 0, term: 0 }, [])).toBe(true);
    expect(termsOf(log)).toEqual([1, 2, 2, 2]);
  });

  it('is cut where it conflicts, in the part that is durable as in the part that is not', () => {
    const { log } = logOf(1, 2, 2, 2);
    expect(log.appendAfter({ index: 1, term: 1 }, entries(2, 2, 3, 3))).toBe(true);
    expect(termsOf(log)).toEqual([1, 2, 3, 3]);
    expect([log.stableIndex, log.lastIndex]).toEqual([2, 4]);
    expect(log.appendAfter({ index: 3, term: 3 }, entries(4, 4))).toBe(true);
    expect(termsOf(log)).toEqual([1, 2, 3, 4]);
  });

  it('breaks an invariant rather than replace what is committed', () => {
    const { log } = logOf(1, 2, 2);
    log.commitTo(2);
    expect(() => log.appendAfter({ index: 1, term: 1 }, entries(2, 3))).toThrow(
      'a committed entry is never replaced',
    );
  });

  it('breaks an invariant when told of a commit beyond its end', () => {
    expect(() => {
      logOf(1).log.commitTo(2);
    }).toThrow('only what the log holds is committed');
  });

  it('breaks an invariant on entries with a hole or with falling terms', () => {
    const { log } = logOf(1, 2);
    const [third, fourth] = entries(3, 2, 2);
    expect(() => log.appendAfter({ index: 2, term: 2 }, fourth === undefined ? [] : [fourth])).toThrow(
      'contiguous',
    );
    expect(() => log.appendAfter({ index: 1, term: 1 }, third === undefined ? [] : [third])).toThrow(
      'contiguous',
    );
    expect(() => log.appendAfter({ index: 2, term: 2 }, entries(3, 1))).toThrow('never fall');
  });

  it.each([
    [5, 2, { index: 3, term: 2 }],
    [5, 9, { index: 5, term: 4 }],
    [2, 1, { index: 1, term: 1 }],
    [5, 0, { index: 0, term: 0 }],
  ])('finds from %i down the last position of a term up to %i', (index, term, expected) => {
    expect(logOf(1, 2, 2, 4, 4).log.lastPositionNotAbove(index, term)).toEqual(expected);
  });

  it.each([
    [{ index: 1, term: 4 }, true],
    [{ index: 3, term: 3 }, true],
    [{ index: 2, term: 3 }, false],
    [{ index: 9, term: 2 }, false],
  ])('grants a candidate with the last position %j: %s', (position, isUpToDate) => {
    expect(logOf(1, 2, 3).log.isUpToDate(position)).toBe(isUpToDate);
  });

  it('reads across the durable part and the rest, at least one entry and then what fits', () => {
    const { log } = logOf(1, 2);
    log.append(entries(3, 3, 4));
    const read = (from: number, bytesMax: number): number => {
      const result = log.entries({ from, to: 5, bytesMax, replica: 1 });
      return result.kind === 'ok' ? result.entries.length : -1;
    };
    expect([read(1, 0), read(1, 3), read(1, 5), read(1, 6), read(1, 10), read(3, 1)]).toEqual([
      1, 2, 2, 3, 4, 1,
    ]);
  });

  it('calls nothing durable that was replaced while it was written', () => {
    const { log, storage } = logOf(1);
    log.append(entries(2, 1, 1));
    const first = log.unstable.takeUnwritten();
    log.appendAfter({ index: 1, term: 1 }, entries(2, 2));
    expect(log.unstable.takeUnwritten().entries.map((entry) => entry.term)).toEqual([2]);
    log.unstable.stableTo(3, 1);
    log.unstable.stableTo(2, 1);
    expect(log.stableIndex).toBe(1);
    storage.write({ token: 1, ...first, hardState: undefined, mustSync: true, messagesAfter: [] });
    expect(termsOf(log)).toEqual([1, 2]);
  });

  it('is replaced by a snapshot, which is durable before anything behind it', () => {
    const { log, storage } = logOf(1, 1);
    log.restore({ index: 7, term: 3, confState: confOf([1, 2]) });
    expect([log.firstIndex, log.lastIndex, log.lastTerm, log.committed, log.stableIndex]).toEqual([
      8, 7, 3, 7, 0,
    ]);
    expect([log.term(7), log.term(6), log.term(1)]).toEqual([3, undefined, undefined]);
    log.appendAfter({ index: 7, term: 3 }, entries(8, 3));
    persist(log, storage);
    expect([log.firstIndex, log.lastIndex, log.stableIndex]).toEqual([8, 8, 8]);
  });
});

describe('the apply queue', () => {
  const options = { replica: 1, applied: 0, bytesMax: 5 };

  it('hands out what is committed and durable, each entry once', () => {
    const { log, storage } = logOf(1);
    const queue = new ApplyQueue(log, options);
    log.append(entries(2, 1));
    log.commitTo(2);
    expect(queue.take().map((entry) => entry.index)).toEqual([1]);
    expect(queue.hasNext).toBe(false);
    persist(log, storage);
    expect(queue.take().map((entry) => entry.index)).toEqual([2]);
    expect(queue.hasNext).toBe(false);
  });

  it('waits for the state machine when too many bytes are handed out', () => {
    const { log } = logOf(2, 2, 2, 9);
    log.commitTo(4);
    const queue = new ApplyQueue(log, options);
    expect(queue.take()).toHaveLength(2);
    expect(queue.take()).toHaveLength(1);
    expect([queue.hasNext, queue.take()]).toEqual([false, []]);
    queue.appliedTo(2);
    expect(queue.take()).toHaveLength(1);
    expect(queue.hasNext).toBe(false);
    queue.appliedTo(4);
    expect(queue.applied).toBe(4);
  });

  it('breaks an invariant when something is applied that was not handed out', () => {
    const { log } = logOf(1, 1);
    log.commitTo(1);
    const queue = new ApplyQueue(log, options);
    queue.take();
    expect(() => {
      queue.appliedTo(2);
    }).toThrow('only what was handed out is applied');
  });

  it('waits for entries that are being loaded', () => {
    const { log, storage } = logOf(1, 1);
    log.commitTo(2);
    storage.evictBelow(3);
    const queue = new ApplyQueue(log, options);
    expect(queue.take()).toEqual([]);
    expect(queue.hasNext).toBe(false);
    storage.load();
    queue.loaded();
    expect(queue.take()).toHaveLength(2);
  });
});
