import { invariant } from '../base/index.ts';

/** A found point. */
export interface IndexHit {
  /** The exact float32 score: cosine similarity or dot product, higher is better; or euclidean distance. */
  readonly score: number;
  readonly shard: number;
  readonly generation: number;
  readonly version: number;
  /** As it was given to `IndexBatch.upsert`. */
  readonly isInteger: boolean;
  /** A view of memory that all hits of a search share: copy what is kept for long. */
  readonly id: Buffer;
}

/** How a search found its candidates; the numbers of `Way` in `server/native/src/search/query.h` are the positions. */
const WAYS = ['nothing', 'graph', 'scan', 'exact'] as const;

export interface IndexPlan {
  /** `nothing`: no point is admitted; `scan`: the codes of all that are; `exact`: their vectors. */
  readonly way: (typeof WAYS)[number];
  /** Live points of the shards. */
  readonly points: number;
  /** Of them, those that the filter may let pass; about so many where they are many. */
  readonly admissible: number;
}

/** Before the hits of a query. */
const HEADER_BYTES = 16;
/** Before the id. */
const FIXED_BYTES = 22;

/**
 * The hits of each query: `u32 count | u32 points | u32 admissible | u32 way`, then for each hit `f32 score | u32 generation | u64 version | u16 shard |
 * u16 id bytes | u16 is integer | id`, little-endian.
 */
export function unpackHits(packed: Buffer, onPlan?: (plan: IndexPlan) => void): IndexHit[][] {
  const queries: IndexHit[][] = [];
  for (let at = 0; at < packed.length;) {
    const hits = new Array<IndexHit>(packed.readUInt32LE(at));
    onPlan?.(planAt(packed, at));
    at += HEADER_BYTES;
    for (let i = 0; i < hits.length; i += 1) {
      const idAt = at + FIXED_BYTES;
      const end = idAt + packed.readUInt16LE(at + 18);
      hits[i] = {
        score: packed.readFloatLE(at),
        shard: packed.readUInt16LE(at + 16),
        generation: packed.readUInt32LE(at + 4),
        isInteger: packed.readUInt16LE(at + 20) !== 0,
        version: packed.readUInt32LE(at + 8) + packed.readUInt32LE(at + 12) * 2 ** 32,
        id: packed.subarray(idAt, end),
      };
      at = end;
    }
    queries.push(hits);
  }
  return queries;
}

function planAt(packed: Buffer, at: number): IndexPlan {
  const way = WAYS[packed.readUInt32LE(at + 12)];
  invariant(way !== undefined, 'the addon knows our ways', { way });
  return { way, points: packed.readUInt32LE(at + 4), admissible: packed.readUInt32LE(at + 8) };
}
