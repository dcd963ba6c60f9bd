export { FileLock, FileLockError } from './file-lock.ts';
export { type HalfOpenRange, halfOpen, isEmptyRange, type KvRange } from './key-range.ts';
export { KvError, type KvErrorCode, type RocksStatus } from './kv-error.ts';
export { loadNative } from './load.ts';
export { KEY_BYTES_MAX, type KvEntry, VALUE_BYTES_MAX } from './packed.ts';
export { configurePool, POOL_THREADS_MAX } from './pool.ts';
export { RocksDb, type RocksDbOptions, WRITE_BUFFER_BYTES_MIN } from './rocks-db.ts';
export { RocksScan, type ScanChunk } from './rocks-scan.ts';
export {
  exactScore,
  INDEX_DIMENSION_MAX,
  type IndexMetric,
  type IndexSearch,
  VectorIndex,
  type VectorIndexOptions,
} from './vector-index.ts';
export { type IndexStats } from './vector-index-addon.ts';
export {
  INDEX_BATCH_BYTES_MAX,
  INDEX_ID_BYTES_MAX,
  IndexBatch,
  type SlotAddress,
} from './vector-index-batch.ts';
export { VectorIndexError, type VectorIndexErrorCode } from './vector-index-error.ts';
export { type IndexHit } from './vector-index-hits.ts';
export { BATCH_BYTES_MAX, type BatchOperation, type LentBatch, WriteBatch } from './write-batch.ts';
