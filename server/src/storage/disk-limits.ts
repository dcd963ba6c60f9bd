const MIB = 2 ** 20;

/**
 * `ok`: everything goes on. `low`: nobody should send more to store. `full`: what is left is kept for votes, for making room
 * and for the next start.
 */
export const DISK_STATES = ['ok', 'low', 'full'] as const;
export type DiskState = (typeof DISK_STATES)[number];

/** Bytes, of what the file system still gives to this process once the ballast file has its full size. */
export interface DiskLimits {
  /** Below: `low`. */
  readonly softBytes: number;
  /** Below: `full`. Above zero so that memory not yet in tables, votes and compactions find room. */
  readonly hardBytes: number;
  /** Size of the ballast file, which is given up when the disk is full. */
  readonly ballastBytes: number;
}

/** What the configuration sets, in MiB. */
export interface DiskSettings {
  readonly diskSoftLimitMb: number | undefined;
  readonly diskHardLimitMb: number | undefined;
  readonly diskBallastMb: number | undefined;
  readonly writeBufferSizeMb: number;
}

/** A table file of RocksDB; compactions write the next one before they remove what it replaces. */
const TABLE_MB = 64;
const HARD_MB_MAX = 256;
const SOFT_MB_MAX = 1024;
/** How much above a limit room must be before it counts as passed again: room that comes and goes changes nothing. */
const HYSTERESIS = 1.25;
/** A start needs room for tables made from the log. With less it would fail half way, with a log that is longer each time. */
const START_SHARE = 1 / 4;

/**
 * Limits that fit the file system, where the configuration sets none: a tenth of it and a twentieth, at most 1,024 and 256 MiB,
 * but never less than the memtables, which must find room; the ballast holds the memtables and a table.
 */
export function diskLimits(settings: DiskSettings, sizeBytes: number): DiskLimits {
  const sizeMb = sizeBytes / MIB;
  const { writeBufferSizeMb, diskSoftLimitMb, diskHardLimitMb, diskBallastMb } = settings;
  const hardMb =
    diskHardLimitMb ?? Math.min(HARD_MB_MAX, Math.max(sizeMb / 20, writeBufferSizeMb), half(diskSoftLimitMb));
  const softMb = diskSoftLimitMb ?? Math.max(Math.min(SOFT_MB_MAX, sizeMb / 10), 2 * hardMb);
  const ballastMb = diskBallastMb ?? Math.min(writeBufferSizeMb + TABLE_MB, sizeMb / 20);
  return {
    softBytes: Math.floor(softMb * MIB),
    hardBytes: Math.floor(hardMb * MIB),
    ballastBytes: Math.floor(ballastMb * MIB),
  };
}

/** The state at `availableBytes`, after `before`. */
export function nextDiskState(before: DiskState, availableBytes: number, limits: DiskLimits): DiskState {
  const { softBytes, hardBytes } = limits;
  const isBelow = (limit: number, wasBelow: boolean): boolean =>
    availableBytes < (wasBelow ? limit * HYSTERESIS : limit);
  if (isBelow(hardBytes, before === 'full')) return 'full';
  return isBelow(softBytes, before !== 'ok') ? 'low' : 'ok';
}

/** Bytes that must be free, the ballast given up, before the stores are opened. */
export function startBytes(limits: DiskLimits): number {
  return limits.hardBytes * START_SHARE;
}

function half(mb: number | undefined): number {
  return mb === undefined ? Infinity : mb / 2;
}
