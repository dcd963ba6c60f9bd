import { readFileSync } from 'node:fs';

/** Linux counts processor time in ticks of 10 ms on every platform that Node.js runs on. */
const TICK_MS = 10;

/** Processor time, user and system, that the processes have used so far, in ms. */
export function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + cpuMs(readFileSync(`/proc/${pid}/stat`, 'utf8')), 0);
}

/** Fields 14 and 15 of proc(5); the name in field 2 may hold spaces, so counting starts behind it. */
function cpuMs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
