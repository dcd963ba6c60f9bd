import { invariant, present } from '../base/index.ts';
import type { PointWrite } from '../model/index.ts';
import { WriteBatch } from '../storage/index.ts';
import { encodeJournalRow, JOURNAL_ENTRIES_MAX } from './journal.ts';
import { journalKey, type PointAddress, pointKey, shardStateKey } from './keys.ts';
import { type CollectionState, encodeShardState, type ShardState } from './shard-state.ts';
import type { RetryCounts } from './retry-counts.ts';
import { RetryLedger, type RetryRows } from './retry-ledger.ts';
import type { RetryRow } from './retry-row.ts';
import { encodePointValue } from './stored-point.ts';

/** The entry that changes points: its log index becomes their version. */
export interface EntryAddress {
  readonly shard: number;
  readonly collection: number;
  readonly index: number;
}

/** What the vector indexes must learn of a turn. */
export interface PointChange extends PointAddress {
  readonly version: number;
  /** The id was given as a number; false of a deleted point. */
  readonly isInteger: boolean;
  /** Undefined: the point was deleted. */
  readonly vector: Buffer | undefined;
  /** With `vector` only. */
  readonly payload: Buffer | undefined;
}

const DELETED = { isInteger: false, vector: undefined, payload: undefined } as const;

/** One entry of a write that named itself. */
export interface RetryPart {
  readonly sequence: number;
  readonly digest: Buffer;
  readonly chunk: number;
  readonly result: Buffer;
}

interface Draft {
  readonly shard: number;
  readonly generation: number;
  applied: number;
  term: number;
  journalAfter: number;
  logTimeMs: number;
  retryRows: number;
  readonly collections: Map<number, CollectionState>;
}

/** Log time that one entry adds at most: a clock that is far ahead moves it in steps only. */
const LOG_TIME_STEP_MS = 10_000;

/** What a turn must know of the store before it starts. */
export interface Known {
  /** By point key as latin1 text; 0: there is no such point. */
  readonly versions: Map<string, number>;
  readonly retries: RetryRows;
}

/**
 * The effects of one turn's entries, over all shards, as one write batch. Reads see the effects before them, so that
 * ids that repeat within a turn are counted right.
 */
export class Turn {
  readonly batch = new WriteBatch();
  readonly changes: PointChange[] = [];
  readonly #stateOf: (shard: number) => ShardState;
  /** By point key as latin1 text, after the effects so far; 0: there is no such point. */
  readonly #versions: Map<string, number>;
  readonly #drafts = new Map<number, Draft>();
  readonly #retries: RetryLedger;

  /** `known` has an answer for every point and every retry row that the turn will touch. */
  constructor(stateOf: (shard: number) => ShardState, known: Known) {
    this.#stateOf = stateOf;
    this.#versions = known.versions;
    this.#retries = new RetryLedger(this.batch, known.retries);
  }

  /** The clock of the shard moves to that of an entry, never back and in bounded steps. */
  noteTime(shard: number, wallMs: number): void {
    const draft = this.#draft(shard);
    const limit = draft.logTimeMs === 0 ? wallMs : draft.logTimeMs + LOG_TIME_STEP_MS;
    draft.logTimeMs = Math.max(draft.logTimeMs, Math.min(wallMs, limit));
  }

  /** What the shard remembers under this name. */
  retry(shard: number, name: Buffer): RetryRow | undefined {
    return this.#retries.find(this.#draft(shard), name);
  }

  /** Forgets what is old; false when the shard can remember nothing more. */
  makeRoomForRetry(shard: number): boolean {
    return this.#retries.makeRoom(this.#draft(shard));
  }

  /** What was done with named entries in this turn; for metrics only. */
  get retryCounts(): RetryCounts {
    return this.#retries.counts;
  }

  /** Remembers the result of a part of the write under this name; another write's row under it is replaced. */
  remember(at: EntryAddress, name: Buffer, part: RetryPart): void {
    const draft = this.#draft(at.shard);
    const former = this.#retries.find(draft, name);
    const isSame = former?.sequence === part.sequence && former.digest.equals(part.digest);
    const { index, timeMs } = isSame ? former : { index: at.index, timeMs: draft.logTimeMs };
    const chunks = new Map(isSame ? former.chunks : []).set(part.chunk, part.result);
    this.#retries.put(draft, name, { index, timeMs, chunks, sequence: part.sequence, digest: part.digest });
  }

  /** Values per vector in this shard; undefined before the first upsert into the collection. */
  dimension(shard: number, collection: number): number | undefined {
    return this.#draft(shard).collections.get(collection)?.dimension;
  }

  /** Index of the last entry of the shard that is in the turn or before it. */
  applied(shard: number): number {
    return this.#draft(shard).applied;
  }

  /** Of a point after the effects so far; 0: there is none. */
  version(at: EntryAddress, idKey: Buffer): number {
    const { generation } = this.#draft(at.shard);
    const text = pointKey({ ...at, generation, idKey }).toString('latin1');
    return present(this.#versions.get(text), 'the version of a point that a turn touches');
  }

  /** Replaces whole points. All vectors have one dimension, the one of the shard's collection. */
  upsert(at: EntryAddress, points: readonly PointWrite[]): void {
    const draft = this.#draft(at.shard);
    const first = points[0];
    if (first === undefined) return;
    const { dimension, live } = draft.collections.get(at.collection) ?? {
      dimension: first.vector.length / 4,
      live: 0,
    };
    let added = 0;
    for (const point of points) {
      invariant(point.vector.length === 4 * dimension, 'a vector has the dimension of its collection', {
        dimension,
        bytes: point.vector.length,
      });
      const address = { ...at, generation: draft.generation, idKey: point.id.key };
      const key = pointKey(address);
      if (this.#swapVersion(key, at.index) === 0) added += 1;
      this.batch.put(key, encodePointValue(point, at.index));
      const { vector, payload, id } = point;
      this.changes.push({ ...address, version: at.index, isInteger: id.isInteger, vector, payload });
    }
    draft.collections.set(at.collection, { dimension, live: live + added });
    this.#journal(
      draft,
      at,
      points.map((point) => point.id.key),
    );
  }

  /** Tells for each id whether there was a point to delete. */
  delete(at: EntryAddress, idKeys: readonly Buffer[]): boolean[] {
    const draft = this.#draft(at.shard);
    const deleted: boolean[] = [];
    const gone: Buffer[] = [];
    for (const idKey of idKeys) {
      const address = { ...at, generation: draft.generation, idKey };
      const key = pointKey(address);
      const existed = this.#swapVersion(key, 0) > 0;
      deleted.push(existed);
      if (!existed) continue;
      gone.push(idKey);
      this.batch.delete(key);
      this.changes.push({ ...address, ...DELETED, version: at.index });
    }
    if (gone.length === 0) return deleted;
    const { dimension, live } = present(
      draft.collections.get(at.collection),
      'the collection of a stored point',
    );
    invariant(live >= gone.length, 'no more points are deleted than exist', { live, deleted: gone.length });
    draft.collections.set(at.collection, { dimension, live: live - gone.length });
    this.#journal(draft, at, gone);
    return deleted;
  }

  /** The effects of this entry, which may be none, are complete. */
  advance(shard: number, entry: { readonly index: number; readonly term: number }): void {
    const draft = this.#draft(shard);
    invariant(entry.index === draft.applied + 1, 'entries are applied one after the other', {
      shard,
      applied: draft.applied,
      index: entry.index,
    });
    draft.applied = entry.index;
    draft.term = entry.term;
  }

  /** Adds the rows of the shards' states; answers the states to take over once the batch is written. */
  seal(): ShardState[] {
    for (const draft of this.#drafts.values()) {
      this.#boundJournal(draft);
      this.batch.put(shardStateKey(draft), encodeShardState(draft));
    }
    return [...this.#drafts.values()];
  }

  #draft(shard: number): Draft {
    let draft = this.#drafts.get(shard);
    if (draft === undefined) {
      const state = this.#stateOf(shard);
      draft = { ...state, collections: new Map(state.collections) };
      this.#drafts.set(shard, draft);
    }
    return draft;
  }

  /** Answers the version before. */
  #swapVersion(key: Buffer, version: number): number {
    const text = key.toString('latin1');
    const former = present(this.#versions.get(text), 'the version of a point that a turn touches');
    this.#versions.set(text, version);
    return former;
  }

  #journal(draft: Draft, at: EntryAddress, idKeys: readonly Buffer[]): void {
    this.batch.put(journalKey(draft, at.index), encodeJournalRow(at.collection, idKeys));
  }

  /** Halves a journal that nobody trims, for instance because no index was ever saved. */
  #boundJournal(draft: Draft): void {
    if (draft.applied - draft.journalAfter <= JOURNAL_ENTRIES_MAX) return;
    const upTo = draft.applied - JOURNAL_ENTRIES_MAX / 2;
    this.batch.deleteRange(journalKey(draft, 0), journalKey(draft, upTo + 1));
    draft.journalAfter = upTo;
  }
}
