/**
 * - `KV_CORRUPTION`: what was read is not what was written.
 * - `KV_IO_ERROR`, `KV_NO_SPACE`: the file system refused.
 * - `KV_LOCKED`: another open database holds the directory.
 * - `KV_CLOSED`: the database was closed before the call.
 * - `KV_BUSY`, `POOL_FULL`: a bounded queue is full; nothing has happened.
 * - `KV_POISONED`: an earlier write or flush of this handle failed; close it.
 * - `KV_INVALID_ARGUMENT`: RocksDB does not do this.
 * - `KV_FAILED`: any other status; the message and the numbers tell more.
 * - `OUT_OF_MEMORY`, `INTERNAL`: thrown inside the addon.
 */
export type KvErrorCode =
  | 'KV_CORRUPTION'
  | 'KV_IO_ERROR'
  | 'KV_NO_SPACE'
  | 'KV_LOCKED'
  | 'KV_CLOSED'
  | 'KV_BUSY'
  | 'KV_POISONED'
  | 'KV_INVALID_ARGUMENT'
  | 'KV_FAILED'
  | 'POOL_FULL'
  | 'OUT_OF_MEMORY'
  | 'INTERNAL';

/** The numbers of `rocksdb::Status` (`rocksdb/status.h`). */
export interface RocksStatus {
  readonly code: number;
  readonly subcode: number;
  readonly severity: number;
}

/** A failed call of the key-value store. Without `rocksdb` RocksDB was not asked and nothing has happened. */
export class KvError extends Error {
  override readonly name = 'KvError';
  readonly code: KvErrorCode;
  readonly rocksdb: RocksStatus | undefined;

  constructor(code: KvErrorCode, message: string, rocksdb?: RocksStatus) {
    super(message);
    this.code = code;
    this.rocksdb = rocksdb;
  }
}

/** Awaits a call of the addon; its failure as a `KvError` with a stack of ours. */
export async function settled<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (thrown) {
    const failure = thrown as { code: KvErrorCode; message: string; rocksdb?: RocksStatus };
    throw new KvError(failure.code, failure.message, failure.rocksdb);
  }
}
