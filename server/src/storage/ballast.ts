import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BALLAST_FILE } from './data-directory.ts';
import { syncDirectory } from './durable-file.ts';

const random = promisify(randomBytes);
const CHUNK_BYTES = 2 ** 20;
/** Synced so often, so that the log never waits for all of it. */
const SYNC_BYTES = 16 * 2 ** 20;

/**
 * A file that holds nothing but room: removing it gives a full disk what compactions and the next start need. Its bytes are
 * random, so that no file system compresses them away.
 */
export class Ballast {
  readonly #path: string;
  readonly #sizeBytes: number;
  #heldBytes = 0;
  #making: Promise<void> | undefined;
  #isWanted = false;

  private constructor(path: string, sizeBytes: number) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
  }

  /** Of a data directory, which need not exist yet. A file of another size, or half of one, is removed. */
  static async open(dataDir: string, sizeBytes: number): Promise<Ballast> {
    const path = join(dataDir, BALLAST_FILE);
    const ballast = new Ballast(path, sizeBytes);
    const found = await stat(path).catch(() => undefined);
    if (found?.size === sizeBytes) ballast.#heldBytes = sizeBytes;
    else await rm(path, { force: true });
    await rm(`${path}.tmp`, { force: true });
    return ballast;
  }

  /** Bytes that it keeps from others now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isWhole(): boolean {
    return this.#heldBytes === this.#sizeBytes && this.#making === undefined;
  }

  /** Makes the file anew unless it is there. Resolves when it is on disk, or was given up; rejects with what the disk says. */
  make(): Promise<void> {
    if (this.isWhole) return Promise.resolve();
    this.#isWanted = true;
    this.#making ??= this.#write().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** Gives the room back; resolves when it is free. */
  async release(): Promise<void> {
    await this.stop();
    await rm(this.#path, { force: true });
    this.#heldBytes = 0;
  }

  /** Gives up making it; half a file is removed. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    // Whoever called `make` hears how it ended.
    await this.#making?.catch(() => undefined);
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    let isMade = false;
    try {
      await this.#fill(temporary);
      if (!this.#isWanted) return;
      await rename(temporary, this.#path);
      await syncDirectory(dirname(this.#path));
      isMade = true;
    } finally {
      if (!isMade) {
        await rm(temporary, { force: true });
        this.#heldBytes = 0;
      }
    }
  }

  async #fill(path: string): Promise<void> {
    const file = await open(path, 'w');
    try {
      for (let unsynced = 0; this.#isWanted && this.#heldBytes < this.#sizeBytes;) {
        const bytes = Math.min(CHUNK_BYTES, this.#sizeBytes - this.#heldBytes);
        await file.writeFile(await random(bytes));
        this.#heldBytes += bytes;
        unsynced += bytes;
        if (unsynced < SYNC_BYTES) continue;
        await file.sync();
        unsynced = 0;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
