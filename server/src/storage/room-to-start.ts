import { dirname } from 'node:path';
import { type Clock, pause } from '../base/index.ts';
import { Ballast } from './ballast.ts';
import { diskSpace, type DiskSpace } from './disk-guard.ts';
import { type DiskLimits, startBytes } from './disk-limits.ts';

const PERIOD_MS = 1_000;

interface RoomRequest {
  /** Need not exist yet. */
  readonly dataDir: string;
  readonly limits: DiskLimits;
  readonly clock: Clock;
  readonly space?: (path: string) => Promise<DiskSpace>;
  /** Called once when there is too little room even without the ballast; the wait begins when it resolves. */
  readonly onWaiting: (room: {
    readonly freeBytes: number;
    readonly neededBytes: number;
  }) => void | Promise<void>;
}

/** Resolves when there is room to open the stores; gives up the ballast for it, then waits for others to make room. */
export async function roomToStart(request: RoomRequest): Promise<void> {
  const { dataDir, limits, clock, onWaiting, space = spaceFor } = request;
  const neededBytes = startBytes(limits);
  let isWaiting = false;
  for (;;) {
    const { freeBytes } = await space(dataDir);
    if (freeBytes >= neededBytes) return;
    const ballast = await Ballast.open(dataDir, limits.ballastBytes);
    if (ballast.heldBytes > 0) {
      await ballast.release();
      continue;
    }
    if (!isWaiting) await onWaiting({ freeBytes, neededBytes });
    isWaiting = true;
    await pause(clock, PERIOD_MS);
  }
}

/** Of the file system that a directory is on, or will be made on. */
export async function spaceFor(directory: string): Promise<DiskSpace> {
  try {
    return await diskSpace(directory);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing || dirname(directory) === directory) throw error;
    return spaceFor(dirname(directory));
  }
}
