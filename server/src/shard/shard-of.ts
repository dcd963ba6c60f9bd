import { hash64, invariant } from '../base/index.ts';

/** Collection u32 and the longest id key. */
const scratch = Buffer.alloc(4 + 1024);

/** The shard that owns an id, 0 to `shardCount - 1`: `xxh64(collection u32 LE, id key) mod shardCount`; never changes. */
export function shardOf(collection: number, idKey: Buffer, shardCount: number): number {
  invariant(idKey.length <= scratch.length - 4, 'an id key fits the hash buffer', { bytes: idKey.length });
  scratch.writeUInt32LE(collection);
  const length = 4 + idKey.copy(scratch, 4);
  return Number(hash64(scratch.subarray(0, length)) % BigInt(shardCount));
}
