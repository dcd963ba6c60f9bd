import { join } from 'node:path';
import type { Config } from './config/index.ts';
import {
  DATA_DIRECTORY,
  type DataDirectory,
  type KvStore,
  openDataDirectory,
  openRocksKv,
  RAFT_DIRECTORY,
} from './storage/index.ts';

const MIB = 1024 * 1024;
/** The log is read at start and by followers that lag; everything else that is read lies in `data/`. */
const RAFT_CACHE_SHARE = 1 / 16;
/** Both stores take every point once; the log forgets, so that its tables need not collect as much. */
const RAFT_WRITE_BUFFER_SHARE = 1 / 4;

export interface Storage {
  readonly directory: DataDirectory;
  readonly raft: KvStore;
  readonly data: KvStore;
  /** Entries or points are on this disk, whoever they belong to. */
  readonly holdsData: boolean;
  readonly close: () => Promise<void>;
}

/** The locked data directory and its two stores, which share `cache_size_mb` and `write_buffer_size_mb`. */
export async function openStorage({ server, storage }: Config): Promise<Storage> {
  const directory = await openDataDirectory(server.dataDir);
  const raft = await openRocksKv({
    path: join(directory.path, RAFT_DIRECTORY),
    profile: 'log',
    cacheBytes: Math.floor(storage.cacheSizeMb * MIB * RAFT_CACHE_SHARE),
    writeBufferBytes: Math.floor(storage.writeBufferSizeMb * MIB * RAFT_WRITE_BUFFER_SHARE),
    compression: storage.compressionEnabled,
  });
  const data = await openRocksKv({
    path: join(directory.path, DATA_DIRECTORY),
    profile: 'data',
    cacheBytes: Math.floor(storage.cacheSizeMb * MIB * (1 - RAFT_CACHE_SHARE)),
    writeBufferBytes: Math.floor(storage.writeBufferSizeMb * MIB * (1 - RAFT_WRITE_BUFFER_SHARE)),
    compression: storage.compressionEnabled,
  });
  return {
    directory,
    raft,
    data,
    holdsData: !(await isEmpty(raft)) || !(await isEmpty(data)),
    close: async () => {
      await data.close();
      await raft.close();
      await directory.close();
    },
  };
}

async function isEmpty(store: KvStore): Promise<boolean> {
  for await (const entries of store.iterate({ keysOnly: true }, { limit: 1 })) {
    if (entries.length > 0) return false;
  }
  return true;
}
