/**
 * - `INDEX_INVALID_ARGUMENT`: numbers that are not finite, or a batch that is none.
 * - `INDEX_NOT_FOUND`: there is no such file.
 * - `INDEX_DAMAGED`: a file is not as it was written, or not of this version; make the index anew.
 * - `INDEX_IO_ERROR`: the file system refused.
 * - `INDEX_FULL`: 2^30 slots, or 65,535 generations of shards.
 * - `INDEX_CLOSED`: the index was closed before the call.
 * - `INDEX_BUSY`, `POOL_FULL`: a bounded queue is full; nothing has happened.
 * - `OUT_OF_MEMORY`, `INTERNAL`: thrown inside the addon; a batch has not been applied.
 */
export type VectorIndexErrorCode =
  | 'INDEX_INVALID_ARGUMENT'
  | 'INDEX_NOT_FOUND'
  | 'INDEX_DAMAGED'
  | 'INDEX_IO_ERROR'
  | 'INDEX_FULL'
  | 'INDEX_CLOSED'
  | 'INDEX_BUSY'
  | 'POOL_FULL'
  | 'OUT_OF_MEMORY'
  | 'INTERNAL';

/** A failed call of a vector index. */
export class VectorIndexError extends Error {
  override readonly name = 'VectorIndexError';
  readonly code: VectorIndexErrorCode;

  constructor(code: VectorIndexErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Awaits a call of the addon; its failure as a `VectorIndexError` with a stack of ours. */
export async function settledIndexCall<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (thrown) {
    const failure = thrown as { code: VectorIndexErrorCode; message: string };
    throw new VectorIndexError(failure.code, failure.message);
  }
}
