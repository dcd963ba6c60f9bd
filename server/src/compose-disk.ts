import type { Config } from './config/index.ts';
import { asError, type Clock } from './base/index.ts';
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

export interface WaitingDeps extends DiskDeps {
  /** Somebody tells clients why the node is not there yet, until `close`. */
  readonly onWaiting: (reason: string) => Promise<{ readonly close: () => Promise<void> }>;
}

/** Resolves with the limits when the stores may be opened: there is room for what they do then. */
export async function roomForStores({ server, storage }: Config, deps: WaitingDeps): Promise<DiskLimits> {
  const { dataDir } = server;
  const limits = diskLimits(storage, (await spaceFor(dataDir)).sizeBytes);
  let telling: Promise<{ readonly close: () => Promise<void> } | undefined> | undefined;
  await roomToStart({
    dataDir,
    limits,
    clock: deps.clock,
    onWaiting: (room) => {
      telling = tellWaiting(dataDir, room, deps);
    },
  });
  await (await telling)?.close();
  return limits;
}

async function tellWaiting(
  path: string,
  room: { readonly freeBytes: number; readonly neededBytes: number },
  { logger, onWaiting }: WaitingDeps,
): Promise<{ readonly close: () => Promise<void> } | undefined> {
  const [freeMb, neededMb] = [inMib(room.freeBytes), inMib(room.neededBytes)];
  logger.error('the disk has no room for a start: the node waits for it', { path, freeMb, neededMb });
  try {
    return await onWaiting(`the disk has no room for a start: ${freeMb} MiB free, ${neededMb} MiB needed`);
  } catch (error) {
    logger.warn('nobody can be told that the node waits', { reason: asError(error).message });
    return undefined;
  }
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
