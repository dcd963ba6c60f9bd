import { crc32c as crc32cOf } from '@node-rs/crc32';
import { xxh64 } from '@node-rs/xxhash';

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continued from `seed`; an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return crc32cOf(bytes, seed) >>> 0;
}

/** XXH64 with seed 0. */
export function hash64(bytes: Uint8Array): bigint {
  return xxh64(bytes, 0n);
}
