import { ComparingPace } from './filter/compiled-filter.ts';
import { type Matcher, matches } from './filter/matcher.ts';
import type { StoredPoint } from './stored-point.ts';

/** A part of a scroll. */
export interface ScrollPage {
  /** Ascending by id. */
  readonly points: StoredPoint[];
  /** Key of the last id that was looked at; undefined: there are no more. */
  readonly through: Buffer | undefined;
}

export interface MergeOptions {
  /** Points of the page at most. */
  readonly limit: number;
  /** Only points that pass. */
  readonly matcher?: Matcher | undefined;
}

/** Points that one page looks at, at most: so that a page without matches ends too. */
const ROWS_MAX = 8_192;

/**
 * The first points in id order over several sources, each of them in id order; the sources' ids are disjoint. Every source
 * is closed at the end.
 */
export async function mergeById(
  sources: readonly AsyncIterable<StoredPoint[]>[],
  { limit, matcher }: MergeOptions,
): Promise<ScrollPage> {
  const cursors = sources.map((source) => new Cursor(source));
  try {
    // Ascending by the id of the current point.
    const open: Cursor[] = [];
    const started = await Promise.all(cursors.map((cursor) => cursor.advance()));
    cursors.filter((_, position) => started[position]).forEach((cursor) => insert(open, cursor));
    const points: StoredPoint[] = [];
    const pace = new ComparingPace();
    for (let rows = 1; ; rows += 1) {
      const first = open.shift();
      if (first === undefined) return { points, through: undefined };
      const { current } = first;
      if (matcher === undefined || matches(matcher, current)) points.push(current);
      if (points.length === limit || rows === ROWS_MAX) return { points, through: current.idKey };
      if (matcher !== undefined && pace.compared(current)) await pace.rest();
      if (await advanced(first)) insert(open, first);
    }
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

/** Steps without leaving the current turn of the event loop while a chunk lasts. */
function advanced(cursor: Cursor): Promise<boolean> | boolean {
  return cursor.advanceInChunk() || cursor.advance();
}

/** Keeps `open` ascending; binary search, because a page has up to 10,000 points. */
function insert(open: Cursor[], cursor: Cursor): void {
  let from = 0;
  let to = open.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const isBefore = Buffer.compare((open[middle] as Cursor).current.idKey, cursor.current.idKey) < 0;
    if (isBefore) from = middle + 1;
    else to = middle;
  }
  open.splice(from, 0, cursor);
}

class Cursor {
  readonly #chunks: AsyncIterator<StoredPoint[]>;
  #chunk: readonly StoredPoint[] = [];
  #at = -1;

  constructor(source: AsyncIterable<StoredPoint[]>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  get current(): StoredPoint {
    return this.#chunk[this.#at] as StoredPoint;
  }

  advanceInChunk(): boolean {
    this.#at += 1;
    return this.#at < this.#chunk.length;
  }

  /** Steps to the first point of the next chunk that has one; false at the end. */
  async advance(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#chunk = next.value;
      this.#at = 0;
      return true;
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
