import { WaitingDoor } from './api/index.ts';
import { asError, type Clock } from './base/index.ts';
import type { Config } from './config/index.ts';
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

interface RoomDeps extends DiskDeps {
  /** Of this build. */
  readonly version: string;
}

/**
 * Resolves with the limits when the stores may be opened: there is room for what they do then. Until then the REST port says
 * what the node waits for. Rejects when that port cannot be opened.
 */
export async function roomForStores(config: Config, deps: RoomDeps): Promise<DiskLimits> {
  const { server, storage } = config;
  const { clock, logger } = deps;
  const { dataDir } = server;
  const limits = diskLimits(storage, (await spaceFor(dataDir)).sizeBytes);
  let door: WaitingDoor | undefined;
  try {
    await roomToStart({
      dataDir,
      limits,
      clock,
      onWaiting: async ({ freeBytes, neededBytes }) => {
        const room = { freeMb: inMib(freeBytes), neededMb: inMib(neededBytes) };
        logger.error('the disk has no room for a start: the node waits for it', { path: dataDir, ...room });
        door = await openWaitingDoor(config, { ...deps, ...room });
      },
    });
  } finally {
    await door?.close();
  }
  return limits;
}

async function openWaitingDoor(
  { server, cluster }: Config,
  { clock, version, freeMb, neededMb }: RoomDeps & { readonly freeMb: number; readonly neededMb: number },
): Promise<WaitingDoor> {
  const reason = `the disk of this node has no room for a start (${freeMb} MiB left, ${neededMb} MiB needed)`;
  const settings = { host: server.host, port: server.restPort };
  try {
    return await WaitingDoor.open({ nodeId: cluster.nodeId, version, reason, clock, settings });
  } catch (error) {
    const why = asError(error).message;
    throw new Error(`the REST port ${server.restPort} cannot be opened: ${why}`, { cause: error });
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
