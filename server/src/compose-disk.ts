import type { Config } from './config/index.ts';
import type { Clock } from './base/index.ts';
import type { Logger } from './observability/index.ts';
import {
  DiskGuard,
  type DiskLimits,
  diskLimits,
  type DiskRoom,
  roomToStart,
  spaceFor,
} from './storage/index.ts';

const MIB = 2 ** 20;

interface DiskDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Resolves with the limits when the stores may be opened: there is room for what they do then. */
export async function roomForStores({ server, storage }: Config, deps: DiskDeps): Promise<DiskLimits> {
  const { dataDir } = server;
  const limits = diskLimits(storage, (await spaceFor(dataDir)).sizeBytes);
  await roomToStart({
    dataDir,
    limits,
    clock: deps.clock,
    onWaiting: ({ freeBytes, neededBytes }) =>
      deps.logger.error('the disk has no room for a start: the node waits for it', {
        path: dataDir,
        freeMb: inMib(freeBytes),
        neededMb: inMib(neededBytes),
      }),
  });
  return limits;
}

/** Watches the disk from now on, and says in the log what changes. */
export function watchDisk(path: string, limits: DiskLimits, { clock, logger }: DiskDeps): Promise<DiskGuard> {
  return DiskGuard.open({
    path,
    limits,
    clock,
    onChange: (room) => logChange(logger, room),
    onError: (error) =>
      logger.warn('the room on the disk cannot be watched now', { path, reason: error.message }),
  });
}

function logChange(logger: Logger, { state, availableBytes, limits }: DiskRoom): void {
  const fields = {
    availableMb: inMib(availableBytes),
    softLimitMb: inMib(limits.softBytes),
    hardLimitMb: inMib(limits.hardBytes),
  };
  if (state === 'full') logger.error('the disk is full: nothing is appended until there is room', fields);
  else if (state === 'low') logger.warn('the disk is almost full: leaderships go to nodes with room', fields);
  else logger.info('the disk has room again', fields);
}

function inMib(bytes: number): number {
  return Math.floor(bytes / MIB);
}
