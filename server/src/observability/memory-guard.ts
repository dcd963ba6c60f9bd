import { readFileSync } from 'node:fs';
import { memoryUsage } from 'node:process';
import type { Clock, Timer } from '../base/index.ts';
import type { Logger } from './logger.ts';

const MIB = 2 ** 20;
const PERIOD_MS = 250;
/** Kept of the limit for what is accepted already, for merges of tables and for answers: a tenth, on small machines more. */
const RESERVE_SHARE = 1 / 10;
const RESERVE_BYTES_MIN = 128 * MIB;
const RESERVE_SHARE_MAX = 1 / 4;
/** How much more than the reserve must be left before writes are taken again. */
const HYSTERESIS = 1.25;

/** How much memory a node has left, as it was looked at last. */
export interface MemoryRoom {
  /** So little that nothing more should be stored. */
  readonly isShort: boolean;
  /** That the process cannot give back: files that it has mapped do not count. */
  readonly usedBytes: number;
  readonly limitBytes: number;
}

interface GuardOptions {
  readonly limitBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `anonymousBytes` by default. */
  readonly used?: () => number;
}

/**
 * Watches the memory of this process. Everything that is stored costs memory on its node, so that a node that takes writes
 * without end is killed by the system in the end, and again at its next start.
 */
export class MemoryGuard {
  readonly #o: GuardOptions;
  readonly #timer: Timer;
  #room: MemoryRoom;

  constructor(options: GuardOptions) {
    this.#o = options;
    this.#room = { isShort: false, usedBytes: 0, limitBytes: options.limitBytes };
    this.look();
    this.#timer = options.clock.every(PERIOD_MS, () => this.look());
  }

  get room(): MemoryRoom {
    return this.#room;
  }

  /** Left up to the limit itself. */
  get leftBytes(): number {
    return Math.max(0, this.#room.limitBytes - this.#room.usedBytes);
  }

  look(): void {
    const { limitBytes, logger, used = anonymousBytes } = this.#o;
    const usedBytes = used();
    const wasShort = this.#room.isShort;
    const isShort = isShortOf({ limitBytes, usedBytes, wasShort });
    this.#room = { isShort, usedBytes, limitBytes };
    if (isShort === wasShort) return;
    const fields = { usedMb: Math.floor(usedBytes / MIB), limitMb: Math.floor(limitBytes / MIB) };
    if (isShort) logger.error('the memory is almost used up: upserts are refused', fields);
    else logger.info('there is memory again: upserts are taken', fields);
  }

  stop(): void {
    this.#timer.cancel();
  }
}

export function isShortOf(o: {
  readonly limitBytes: number;
  readonly usedBytes: number;
  readonly wasShort: boolean;
}): boolean {
  const { limitBytes, usedBytes, wasShort } = o;
  const reserve = Math.max(
    limitBytes * RESERVE_SHARE,
    Math.min(RESERVE_BYTES_MIN, limitBytes * RESERVE_SHARE_MAX),
  );
  return limitBytes - usedBytes < (wasShort ? reserve * HYSTERESIS : reserve);
}

/** Resident memory without pages of files, which the kernel takes back when it needs them; see proc_pid_status(5). */
export function anonymousBytes(): number {
  try {
    const text = readFileSync('/proc/self/status', 'utf8');
    const kib = [...text.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map(([, number]) => Number(number));
    if (kib.length > 0) return kib.reduce((sum, part) => sum + part, 0) * 1024;
  } catch {
    // No such file system: resident memory as a whole is the next best.
  }
  return memoryUsage.rss();
}
