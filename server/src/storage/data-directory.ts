import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DecodeError, invariant } from '../base/index.ts';
import { FileLock, FileLockError } from '../native/index.ts';
import { FileCorruptError, readDurable, syncDirectory, writeDurably } from './durable-file.ts';
import { decodeFloor, EMPTY_FLOOR, encodeFloor, type Floor } from './floor.ts';
import {
  decodeIdentity,
  encodeIdentity,
  firstIdentity,
  nextIncarnation,
  type StoreIdentity,
} from './store-identity.ts';

const IDENTITY_FILE = 'identity';
const LOCK_FILE = 'lock';
/** Says why the store cannot be trusted, for good: what is opened in the place of a lost log does not bring it back. */
const AMNESIA_FILE = 'amnesia';
/** What the Raft log must not fall behind. */
const FLOOR_FILE = 'floor';
/** Nothing but room; see `Ballast`. */
export const BALLAST_FILE = 'ballast';
/** Where what was lost of a store is kept, until the node has everything again. */
const SET_ASIDE = 'set-aside-';
/** The directory of the Raft log; who opens a `KvStore` for it uses this name. */
export const RAFT_DIRECTORY = 'raft';
/** The directory of the points. */
export const DATA_DIRECTORY = 'data';

/** Names of files of ours: nothing that could be a store, the identity, the lock or a temporary file. */
const FILE_NAME = /^[a-z][a-z0-9-]{0,63}$/;
const RESERVED: readonly string[] = [
  IDENTITY_FILE,
  LOCK_FILE,
  AMNESIA_FILE,
  FLOOR_FILE,
  BALLAST_FILE,
  RAFT_DIRECTORY,
  DATA_DIRECTORY,
];

/**
 * - `LOCKED`: another process works in the directory.
 * - `IDENTITY_MISSING`: there are stores but nobody knows whose: a part of a directory was copied or lost.
 * - `ADOPTED_BY_ANOTHER`: the directory belongs to another cluster or node.
 * A file that cannot be read is a `FileCorruptError`.
 */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
  readonly code: 'LOCKED' | 'IDENTITY_MISSING' | 'ADOPTED_BY_ANOTHER';

  constructor(code: DataDirectoryError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A node's `data_dir`, locked for this process. */
export interface DataDirectory {
  readonly path: string;
  /** As it is on disk now; `adopt` changes it. */
  readonly identity: StoreIdentity;
  /**
   * Why the store has forgotten what it promised, found now or at an earlier start: the Raft log or its floor is gone, or
   * `forget` was called. This node may have voted and acknowledged, and must not do so as the one it was.
   */
  readonly amnesia: string | undefined;
  /** As it was at start. */
  readonly floor: Floor;
  /** Never belonged to a cluster and holds no file of `writeFile`. As it was at start. */
  readonly isBlank: boolean;
  /** Makes the directory that of a node of a cluster, for good. May be repeated; another one: `ADOPTED_BY_ANOTHER`. */
  adopt(owner: { readonly clusterId: string; readonly nodeId: string }): Promise<void>;
  /** Replaces a small file of its own, atomically; resolved when it is on disk. Writes take place in the order of the calls. */
  writeFile(name: string, bytes: Buffer): Promise<void>;
  /** What `writeFile` wrote last; undefined when nothing. Throws `FileCorruptError`. */
  readFile(name: string): Promise<Buffer | undefined>;
  /** Replaces the floor, durably. One call at a time. */
  writeFloor(bytes: Buffer): Promise<void>;
  /** From now on, and at every later start, `amnesia` is `reason`. */
  forget(reason: string): Promise<void>;
  /**
   * The directory of another store of the same node from now on, which has promised nothing: what is there is set aside,
   * but for the files in `keep`. May be called before the stores are opened only. A crash leaves the old store, amnesiac,
   * or the new one.
   */
  startAnew(keep: readonly string[]): Promise<void>;
  /** Removes what was set aside. */
  removeSetAside(): Promise<void>;
  /** Waits for writes under way and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens `dataDir`, or makes it. Before it resolves, the identity of this start (incarnation one higher, a new boot nonce) is
 * on disk: nothing may be sent before. Throws `DataDirectoryError`, `FileCorruptError`.
 */
export async function openDataDirectory(dataDir: string): Promise<DataDirectory> {
  const path = resolve(dataDir);
  await makeDirectory(path);
  const lock = acquireLock(path);
  try {
    return await openLocked(path, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openLocked(path: string, lock: FileLock): Promise<DataDirectory> {
  const names = new Set((await readdir(path)).filter((name) => !name.endsWith('.tmp')));
  const stored = await readDurable(join(path, IDENTITY_FILE));
  if (stored === undefined) refuseOrphans(path, names);
  const previous = stored && decodeIdentity(stored);
  const identity = previous ? nextIncarnation(previous) : firstIdentity();
  await writeDurably(join(path, IDENTITY_FILE), encodeIdentity(identity));

  const hasFiles = [...names].some((name) => !RESERVED.includes(name) && FILE_NAME.test(name));
  const isBlank = previous?.clusterId === undefined && !hasFiles;
  const floor = await readFloor(path);
  const amnesia = isBlank ? undefined : await amnesiaOf(path, { hasLog: names.has(RAFT_DIRECTORY), floor });
  // Before anybody opens a new Raft store here, which would make the next start look as if nothing had been lost.
  if (amnesia !== undefined) await writeDurably(join(path, AMNESIA_FILE), Buffer.from(amnesia));
  if (floor === undefined) await writeDurably(join(path, FLOOR_FILE), encodeFloor(EMPTY_FLOOR));
  return new LockedDirectory({ path, lock, identity, isBlank, amnesia, floor: floor ?? EMPTY_FLOOR });
}

async function amnesiaOf(
  path: string,
  o: { readonly hasLog: boolean; readonly floor: Floor | undefined },
): Promise<string | undefined> {
  const known = await readDurable(join(path, AMNESIA_FILE));
  if (known !== undefined) return known.toString();
  if (!o.hasLog) return 'the Raft log is gone';
  return o.floor === undefined ? 'the floor of the Raft log is gone or damaged' : undefined;
}

/** Undefined when there is none that can be read. */
async function readFloor(path: string): Promise<Floor | undefined> {
  try {
    const bytes = await readDurable(join(path, FLOOR_FILE));
    return bytes && decodeFloor(bytes);
  } catch (error) {
    if (error instanceof FileCorruptError || error instanceof DecodeError) return undefined;
    throw error;
  }
}

interface Opened {
  readonly path: string;
  readonly lock: FileLock;
  readonly identity: StoreIdentity;
  readonly isBlank: boolean;
  readonly amnesia: string | undefined;
  readonly floor: Floor;
}

class LockedDirectory implements DataDirectory {
  readonly path: string;
  readonly isBlank: boolean;
  readonly #lock: FileLock;
  #amnesia: string | undefined;
  #floor: Floor;
  #identity: StoreIdentity;
  /** Ends when all writes so far have; never rejects. */
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(opened: Opened) {
    this.path = opened.path;
    this.isBlank = opened.isBlank;
    this.#amnesia = opened.amnesia;
    this.#floor = opened.floor;
    this.#lock = opened.lock;
    this.#identity = opened.identity;
  }

  get identity(): StoreIdentity {
    return this.#identity;
  }

  get amnesia(): string | undefined {
    return this.#amnesia;
  }

  get floor(): Floor {
    return this.#floor;
  }

  writeFloor(bytes: Buffer): Promise<void> {
    return writeDurably(join(this.path, FLOOR_FILE), bytes);
  }

  forget(reason: string): Promise<void> {
    return this.#inOrder(async () => {
      await writeDurably(join(this.path, AMNESIA_FILE), Buffer.from(reason));
      this.#amnesia = reason;
    });
  }

  startAnew(keep: readonly string[]): Promise<void> {
    return this.#inOrder(async () => {
      invariant(this.#amnesia !== undefined, 'only a store that has forgotten is given up', {
        path: this.path,
      });
      await this.#setAside(keep);
      const { clusterId, nodeId } = this.#identity;
      const identity = { ...firstIdentity(), clusterId, nodeId };
      await writeDurably(join(this.path, FLOOR_FILE), encodeFloor(EMPTY_FLOOR));
      await writeDurably(join(this.path, IDENTITY_FILE), encodeIdentity(identity));
      // A crash before this leaves a new store without a log: it is given up in its turn.
      await rm(join(this.path, AMNESIA_FILE), { force: true });
      await syncDirectory(this.path);
      this.#identity = identity;
      this.#amnesia = undefined;
      this.#floor = EMPTY_FLOOR;
    });
  }

  async removeSetAside(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name.startsWith(SET_ASIDE)) await rm(join(this.path, name), { recursive: true, force: true });
    }
  }

  async #setAside(keep: readonly string[]): Promise<void> {
    const aside = join(this.path, SET_ASIDE + this.#identity.storeUuid);
    await mkdir(aside, { recursive: true, mode: 0o700 });
    const stays = new Set([...keep, IDENTITY_FILE, LOCK_FILE, AMNESIA_FILE]);
    for (const name of await readdir(this.path)) {
      if (!stays.has(name) && !name.startsWith(SET_ASIDE))
        await rename(join(this.path, name), join(aside, name));
    }
    await syncDirectory(aside);
    await syncDirectory(this.path);
  }

  adopt(owner: { readonly clusterId: string; readonly nodeId: string }): Promise<void> {
    return this.#inOrder(async () => {
      const { clusterId, nodeId } = this.#identity;
      if (clusterId === owner.clusterId && nodeId === owner.nodeId) return;
      if (clusterId !== undefined) {
        throw new DataDirectoryError(
          'ADOPTED_BY_ANOTHER',
          `${this.path} belongs to node ${String(nodeId)} of cluster ${clusterId}`,
        );
      }
      const adopted = { ...this.#identity, clusterId: owner.clusterId, nodeId: owner.nodeId };
      await writeDurably(join(this.path, IDENTITY_FILE), encodeIdentity(adopted));
      this.#identity = adopted;
    });
  }

  writeFile(name: string, bytes: Buffer): Promise<void> {
    const path = this.#pathOf(name);
    const copy = Buffer.from(bytes);
    return this.#inOrder(() => writeDurably(path, copy));
  }

  async readFile(name: string): Promise<Buffer | undefined> {
    return await readDurable(this.#pathOf(name));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    this.#lock.release();
  }

  #pathOf(name: string): string {
    invariant(FILE_NAME.test(name) && !RESERVED.includes(name), 'a file has a name of its own', { name });
    return join(this.path, name);
  }

  async #inOrder(write: () => Promise<void>): Promise<void> {
    invariant(!this.#closed, 'an open directory is written to', { path: this.path });
    const done = this.#writing.then(write);
    this.#writing = done.catch(() => undefined);
    await done;
  }
}

async function makeDirectory(path: string): Promise<void> {
  const firstMade = await mkdir(path, { recursive: true, mode: 0o700 });
  // Every entry on the way to the new directory, or a power failure takes it away with all that was acknowledged.
  for (let made = path; firstMade !== undefined; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === firstMade || made === dirname(made)) break;
  }
}

function acquireLock(path: string): FileLock {
  try {
    return FileLock.acquire(join(path, LOCK_FILE));
  } catch (error) {
    if (!(error instanceof FileLockError && error.code === 'LOCKED')) throw error;
    throw new DataDirectoryError(
      'LOCKED',
      `${path} is in use by another process: stop it or set another data_dir`,
    );
  }
}

function refuseOrphans(path: string, names: ReadonlySet<string>): void {
  const orphans = [RAFT_DIRECTORY, DATA_DIRECTORY].filter((name) => names.has(name));
  if (orphans.length === 0) return;
  throw new DataDirectoryError(
    'IDENTITY_MISSING',
    `${path} holds ${orphans.join('/ and ')}/ but no identity file: restore the whole directory, or start with an empty one`,
  );
}
