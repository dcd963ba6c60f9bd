import { statfs } from 'node:fs/promises';
import { asError, type Clock, type Timer } from '../base/index.ts';
import { Ballast } from './ballast.ts';
import { type DiskLimits, type DiskState, nextDiskState } from './disk-limits.ts';

const PERIOD_MS = 1_000;

export interface DiskSpace {
  readonly sizeBytes: number;
  /** For this process: without what the file system keeps for others. */
  readonly freeBytes: number;
}

/** How much room a node has, as it was looked at last. */
export interface DiskRoom {
  readonly state: DiskState;
  /** As if the ballast had its full size. */
  readonly availableBytes: number;
  readonly ballastBytes: number;
  readonly limits: DiskLimits;
}

interface GuardOptions {
  readonly path: string;
  readonly limits: DiskLimits;
  readonly clock: Clock;
  /** Of the file system of `path`; `diskSpace` by default. */
  readonly space?: (path: string) => Promise<DiskSpace>;
  /** The state is another one now. */
  readonly onChange: (room: DiskRoom, before: DiskState) => void;
  /** Looking, or making the ballast, failed; it is tried again after a second. */
  readonly onError: (error: Error) => void;
}

/**
 * Watches the room on the disk of a data directory, once a second: at the soft limit the node shall take no more, at the
 * hard one it stops appending, while there is still room for votes and for making room. A full disk gets the ballast; a
 * disk with room makes it anew.
 */
export class DiskGuard {
  readonly #o: GuardOptions;
  readonly #ballast: Ballast;
  #state: DiskState = 'ok';
  #availableBytes = 0;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;

  private constructor(options: GuardOptions, ballast: Ballast) {
    this.#o = options;
    this.#ballast = ballast;
  }

  /** Looks once before it resolves: the state is known from the first moment on. The directory must exist. */
  static async open(options: GuardOptions): Promise<DiskGuard> {
    const ballast = await Ballast.open(options.path, options.limits.ballastBytes);
    const guard = new DiskGuard(options, ballast);
    await guard.#look();
    guard.#timer = options.clock.every(PERIOD_MS, () => void guard.check());
    return guard;
  }

  get state(): DiskState {
    return this.#state;
  }

  get room(): DiskRoom {
    return {
      state: this.#state,
      availableBytes: this.#availableBytes,
      ballastBytes: this.#ballast.heldBytes,
      limits: this.#o.limits,
    };
  }

  /** Looks now; calls while it looks share that look. */
  check(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#o.onError(asError(error)))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** Leaves the ballast as it is. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#looking;
    await this.#ballast.stop();
  }

  async #look(): Promise<void> {
    const { path, limits, space = diskSpace, onChange } = this.#o;
    const { freeBytes } = await space(path);
    // What the ballast lacks is not there for others: otherwise giving it up would look like room, and making it like none.
    this.#availableBytes = Math.max(0, freeBytes - (limits.ballastBytes - this.#ballast.heldBytes));
    const before = this.#state;
    this.#state = nextDiskState(before, this.#availableBytes, limits);
    if (this.#state === 'full') await this.#ballast.release();
    if (this.#state !== before) onChange(this.room, before);
    if (this.#state === 'ok') this.#makeBallast();
  }

  /** In the background: looking must go on while it grows. */
  #makeBallast(): void {
    this.#ballast.make().catch((error: unknown) => this.#o.onError(asError(error)));
  }
}

export async function diskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
}
