/** A found point. */
export interface IndexHit {
  /** The exact float32 score: cosine similarity or dot product, higher is better; or euclidean distance. */
  readonly score: number;
  readonly shard: number;
  readonly generation: number;
  readonly version: number;
  /** A view of memory that all hits of a search share: copy what is kept for long. */
  readonly id: Buffer;
}

/** Before the id. */
const FIXED_BYTES = 20;

/**
 * The hits of each query: `u32 count`, then for each hit `f32 score | u32 generation | u64 version | u16 shard |
 * u16 id bytes | id`, little-endian.
 */
export function unpackHits(packed: Buffer): IndexHit[][] {
  const queries: IndexHit[][] = [];
  for (let at = 0; at < packed.length;) {
    const hits = new Array<IndexHit>(packed.readUInt32LE(at));
    at += 4;
    for (let i = 0; i < hits.length; i += 1) {
      const idAt = at + FIXED_BYTES;
      const end = idAt + packed.readUInt16LE(at + 18);
      hits[i] = {
        score: packed.readFloatLE(at),
        shard: packed.readUInt16LE(at + 16),
        generation: packed.readUInt32LE(at + 4),
        version: packed.readUInt32LE(at + 8) + packed.readUInt32LE(at + 12) * 2 ** 32,
        id: packed.subarray(idAt, end),
      };
      at = end;
    }
    queries.push(hits);
  }
  return queries;
}
