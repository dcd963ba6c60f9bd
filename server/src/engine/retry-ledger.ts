import { present } from '../base/index.ts';
import type { WriteBatch } from '../storage/index.ts';
import { retryKey, retryOrderKey, type ShardGeneration } from './keys.ts';
import { noRetryCounts, type RetryCounts } from './retry-counts.ts';
import { encodeRetryPlace, encodeRetryRow, type RetryPlace, type RetryRow } from './retry-row.ts';

/** Log time for which a row is kept at least. */
export const RETRY_KEPT_MS = 120_000;
/** Rows of one shard; with so many younger ones, further writes that name themselves are refused. */
export const RETRY_ROWS_MAX = 200_000;
/** Rows that one write evicts at most: more than the one it adds, so that a full table empties again. */
const EVICTIONS_MAX = 4;

/** A row that a turn may look at. */
export interface RetryRef {
  readonly shard: number;
  readonly name: Buffer;
}

/** What a turn must know before it starts. */
export interface RetryRows {
  /** By row key as latin1 text; undefined where there is none. */
  readonly rows: Map<string, RetryRow | undefined>;
  /** By shard, oldest first: as many as the turn may look at. */
  readonly oldest: Map<number, RetryPlace[]>;
}

/** Places of a shard that a turn with so many named writes may look at: it evicts some and skips those it replaced. */
export function placesFor(namedWrites: number): number {
  return namedWrites * (EVICTIONS_MAX + 1);
}

/** The counters of a shard's rows, part of its state. */
export interface RetryCounters extends ShardGeneration {
  readonly logTimeMs: number;
  retryRows: number;
}

/**
 * The rows of one turn. What it does depends on the entries before each write only, not on how many of them were applied
 * in one turn: replicas cut their turns differently and must stay equal.
 */
export class RetryLedger {
  /** Of this turn. */
  readonly counts: RetryCounts = noRetryCounts();
  readonly #batch: WriteBatch;
  readonly #rows: RetryRows['rows'];
  readonly #oldest: RetryRows['oldest'];
  /** `shard:index` of places that are gone although `oldest` lists them. */
  readonly #gone = new Set<string>();

  constructor(batch: WriteBatch, known: RetryRows) {
    this.#batch = batch;
    this.#rows = known.rows;
    this.#oldest = known.oldest;
  }

  find(at: ShardGeneration, name: Buffer): RetryRow | undefined {
    return this.#rows.get(textOf(at, name));
  }

  /** Evicts what is old enough; false when there is no room for another row. */
  makeRoom(counters: RetryCounters): boolean {
    const places = this.#places(counters.shard);
    for (let evicted = 0; evicted < EVICTIONS_MAX;) {
      const place = places[0];
      if (place === undefined || counters.logTimeMs - place.timeMs <= RETRY_KEPT_MS) break;
      places.shift();
      if (this.#gone.delete(placeText(counters.shard, place.index))) continue;
      this.#remove(counters, place);
      this.#rows.set(textOf(counters, place.name), undefined);
      evicted += 1;
      this.counts.evicted += 1;
    }
    return counters.retryRows < RETRY_ROWS_MAX;
  }

  /** Adds the row, or replaces the one of that name. */
  put(counters: RetryCounters, name: Buffer, row: RetryRow): void {
    const former = this.find(counters, name);
    if (former !== undefined && former.index !== row.index) {
      this.#remove(counters, { ...former, name });
      this.#gone.add(placeText(counters.shard, former.index));
    }
    if (former?.index !== row.index) {
      const place = { index: row.index, timeMs: row.timeMs, name };
      this.#places(counters.shard).push(place);
      this.#batch.put(retryOrderKey(counters, row.index), encodeRetryPlace(place));
      counters.retryRows += 1;
    }
    this.#batch.put(retryKey(counters, name), encodeRetryRow(row));
    this.#rows.set(textOf(counters, name), row);
  }

  #remove(counters: RetryCounters, place: RetryPlace): void {
    this.#batch.delete(retryOrderKey(counters, place.index));
    this.#batch.delete(retryKey(counters, place.name));
    counters.retryRows -= 1;
  }

  #places(shard: number): RetryPlace[] {
    return present(this.#oldest.get(shard), 'the oldest retry rows of a shard that a turn touches');
  }
}

function textOf(at: ShardGeneration, name: Buffer): string {
  return retryKey(at, name).toString('latin1');
}

function placeText(shard: number, index: number): string {
  return `${shard}:${index}`;
}
