import type { GroupLog } from './group-log.ts';

/** Memory for the newest entries of all groups of the node. */
export const TAIL_BYTES_MAX = 32 * 2 ** 20;

/** When the tails of all logs together outgrow `bytesMax`, forgets the oldest entries of the largest ones. */
export function trimTails(logs: Iterable<GroupLog>, bytesMax: number): void {
  let total = 0;
  for (const log of logs) total += log.tailBytes;
  while (total > bytesMax) {
    const largest = largestOf(logs);
    if (largest === undefined || largest.tailBytes === 0) return;
    // A sixteenth at a time: choosing anew for every entry would cost more than the entry.
    const goal = largest.tailBytes - Math.max(total - bytesMax, largest.tailBytes / 16);
    const before = largest.tailBytes;
    while (largest.tailBytes > Math.max(goal, 0)) largest.evictOldest();
    total -= before - largest.tailBytes;
  }
}

function largestOf(logs: Iterable<GroupLog>): GroupLog | undefined {
  let largest: GroupLog | undefined;
  for (const log of logs) {
    if (largest === undefined || log.tailBytes > largest.tailBytes) largest = log;
  }
  return largest;
}
