import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MIB = 2 ** 20;
const FILLER = 'filler';
/** Most that is written before the room is looked at again. */
const PIECE = Buffer.alloc(16 * MIB, 1);

function tryMount(path: string, sizeMb: number): string | undefined {
  const { status, stderr, error } = spawnSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${sizeMb}m`,
    'grape',
    path,
  ]);
  if (status === 0) return undefined;
  return error?.message ?? String(stderr).trim();
}

/** Why this machine lets nobody mount a file system; undefined when it does. */
export function mountRefusal(): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'grape-mount-'));
  const refusal = tryMount(path, 1);
  if (refusal === undefined) spawnSync('umount', [path]);
  rmdirSync(path);
  return refusal;
}

/** A small file system of its own, that somebody else fills. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(path: string, sizeMb: number): Promise<SmallDisk> {
    await mkdir(path, { recursive: true });
    const refusal = tryMount(path, sizeMb);
    if (refusal !== undefined) throw new Error(`${path} cannot be mounted: ${refusal}`);
    return new SmallDisk(path);
  }

  async freeMb(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return (bavail * bsize) / MIB;
  }

  /** Takes room until at most so much is left. */
  async fillTo(leftMb: number): Promise<void> {
    const file = await open(join(this.path, FILLER), 'a');
    try {
      for (let left = await this.freeMb(); left > leftMb; left = await this.freeMb()) {
        const bytes = Math.max(4096, Math.floor((left - leftMb) * MIB));
        await file.appendFile(PIECE.subarray(0, bytes));
      }
    } catch (error) {
      // Whoever else writes there may have taken the last bytes first: it is full.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await file.close();
    }
  }

  async makeRoom(): Promise<void> {
    await rm(join(this.path, FILLER), { force: true });
  }

  /** Nobody may use it any more. */
  unmount(): void {
    const { status, stderr } = spawnSync('umount', [this.path]);
    if (status !== 0) throw new Error(`${this.path} cannot be unmounted: ${String(stderr)}`);
  }
}
