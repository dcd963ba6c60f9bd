export { type KvEntry, KvError, type KvErrorCode, type KvRange, WriteBatch } from '../native/index.ts';
export {
  DATA_DIRECTORY,
  type DataDirectory,
  DataDirectoryError,
  openDataDirectory,
  RAFT_DIRECTORY,
} from './data-directory.ts';
export { EMPTY_FLOOR, type Floor, type FloorVote, type KnownStore } from './floor.ts';
export { FloorKeeper } from './floor-keeper.ts';
export { DiskGuard, type DiskRoom } from './disk-guard.ts';
export { DISK_STATES, type DiskLimits, diskLimits, type DiskState } from './disk-limits.ts';
export { FileCorruptError, readDurable, syncDirectory, writeDurably } from './durable-file.ts';
export { type IterateOptions, type KvProfile, type KvStore } from './kv-store.ts';
export { MemoryKv } from './memory-kv.ts';
export { PatientKv } from './patient-kv.ts';
export { PoisonedError } from './poison.ts';
export { openRocksKv, type RocksKvOptions } from './rocks-kv.ts';
export { isRefusal, untilRoom } from './room.ts';
export { roomToStart, spaceFor } from './room-to-start.ts';
export { type StorageFault, storageFaultOf } from './storage-fault.ts';
export type { StoreIdentity } from './store-identity.ts';
