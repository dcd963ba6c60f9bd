import { join } from 'node:path';
import { asError, type Clock } from './base/index.ts';
import { giveUpStore, mayGiveUp } from './cluster/index.ts';
import { roomForStores, watchDisk } from './compose-disk.ts';
import type { Config } from './config/index.ts';
import { KvError } from './native/index.ts';
import type { Logger } from './observability/index.ts';
import { lostAgainst, storedSequence } from './raft/index.ts';
import {
  DATA_DIRECTORY,
  type DataDirectory,
  type DiskGuard,
  FloorKeeper,
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
  /** What the Raft log must not fall behind, and what was seen of the stores of others. */
  readonly floor: FloorKeeper;
  /** How much room there is. */
  readonly disk: DiskGuard;
  /** Of the newest write batch of the Raft log at start. */
  readonly sequence: number;
  /** Entries or points are on this disk, whoever they belong to. */
  readonly holdsData: boolean;
  readonly close: () => Promise<void>;
}

interface StorageDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of this build. */
  readonly version: string;
  /** The node must end: a store has failed for good, whoever used it, or the floor cannot be written. */
  readonly onError: (error: Error) => void;
}

interface OpenRequest {
  readonly config: Config;
  readonly directory: DataDirectory;
  readonly onFailure: (error: Error) => void;
}

interface Stores {
  readonly raft: KvStore;
  readonly data: KvStore;
  readonly sequence: number;
}

/**
 * The locked data directory and its two stores, which share `cache_size_mb` and `write_buffer_size_mb`. A store that has
 * forgotten what it promised is given up for a new one when others may have what it has lost.
 */
export async function openStorage(config: Config, deps: StorageDeps): Promise<Storage> {
  const limits = await roomForStores(config, deps);
  const directory = await openDataDirectory(config.server.dataDir);
  const { clock, onError } = deps;
  let isOpen = false;
  // Until then a failure is that of opening: what was lost may be found elsewhere.
  const onFailure = (error: Error): void => (isOpen ? onError(error) : undefined);
  const { raft, data, sequence } = await openTrusted({ config, directory, onFailure }, deps.logger);
  isOpen = true;
  const write = (bytes: Buffer): Promise<void> => directory.writeFloor(bytes);
  const disk = await watchDisk(directory.path, limits, deps);
  const floor = new FloorKeeper({ floor: directory.floor, write, clock, onError });
  return {
    directory,
    raft,
    data,
    floor,
    disk,
    sequence,
    holdsData: !(await isEmpty(raft)) || !(await isEmpty(data)),
    close: async () => {
      await data.close();
      await raft.close();
      await floor.close();
      await disk.close();
      await directory.close();
    },
  };
}

async function openTrusted(request: OpenRequest, logger: Logger): Promise<Stores> {
  const { directory } = request;
  const { enabled, autoRejoin } = request.config.cluster;
  for (;;) {
    if (directory.amnesia !== undefined) {
      logger.error('the store has forgotten what it promised: it neither votes nor acknowledges', {
        path: directory.path,
        reason: directory.amnesia,
      });
      if (enabled && (autoRejoin || (await mayGiveUp(directory)))) await giveUpStore(directory);
    }
    const stores = await openStores(request);
    if ('raft' in stores) return stores;
    await directory.forget(stores.lost);
  }
}

/** The stores, or what was lost of them. Throws what has nothing to do with loss. */
async function openStores(request: OpenRequest): Promise<Stores | { readonly lost: string }> {
  const { directory } = request;
  const { cluster } = request.config;
  const mayRejoin = cluster.enabled && cluster.autoRejoin;
  let raft: KvStore | undefined;
  try {
    raft = await openRaft(request);
    const lost = directory.amnesia === undefined ? await lostAgainst(directory.floor, raft) : undefined;
    if (lost !== undefined) {
      await raft.close();
      return { lost };
    }
    return { raft, data: await openData(request), sequence: await storedSequence(raft) };
  } catch (error) {
    await raft?.close();
    // Without others that have it, somebody has to look at what is left.
    if (!(error instanceof KvError && error.code === 'KV_CORRUPTION' && mayRejoin)) throw error;
    return { lost: `a store cannot be read: ${asError(error).message}` };
  }
}

function openRaft({ config: { storage }, directory, onFailure }: OpenRequest): Promise<KvStore> {
  return openRocksKv({
    path: join(directory.path, RAFT_DIRECTORY),
    profile: 'log',
    cacheBytes: Math.floor(storage.cacheSizeMb * MIB * RAFT_CACHE_SHARE),
    writeBufferBytes: Math.floor(storage.writeBufferSizeMb * MIB * RAFT_WRITE_BUFFER_SHARE),
    compression: storage.compressionEnabled,
    onFailure,
  });
}

function openData({ config: { storage }, directory, onFailure }: OpenRequest): Promise<KvStore> {
  return openRocksKv({
    path: join(directory.path, DATA_DIRECTORY),
    profile: 'data',
    cacheBytes: Math.floor(storage.cacheSizeMb * MIB * (1 - RAFT_CACHE_SHARE)),
    writeBufferBytes: Math.floor(storage.writeBufferSizeMb * MIB * (1 - RAFT_WRITE_BUFFER_SHARE)),
    compression: storage.compressionEnabled,
    onFailure,
  });
}

async function isEmpty(store: KvStore): Promise<boolean> {
  for await (const entries of store.iterate({ keysOnly: true }, { limit: 1 })) {
    if (entries.length > 0) return false;
  }
  return true;
}
