import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';

/** What defaults depend on, behind a port so that tests choose it. */
export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Text of a file of the kernel, undefined when there is none. */
  readonly readFile: (path: string) => string | undefined;
  readonly absolutePath: (path: string) => string;
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    readFile: readIfPresent,
    absolutePath: (path) => resolve(path),
  };
}

const CGROUPS = '/sys/fs/cgroup';

/**
 * MiB that this process may use: the least limit of its control group and the groups around it (version 2, then 1; see
 * cgroups(7)), never more than the machine has.
 */
export function memoryLimitMb(machine: Machine): number {
  const membership = machine.readFile('/proc/self/cgroup') ?? '';
  const version2 = /^0::(\/.*)$/m.exec(membership)?.[1];
  const version1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(membership)?.[1];
  const limits = [
    ...limitsUp(machine, CGROUPS, version2, 'memory.max'),
    ...limitsUp(machine, `${CGROUPS}/memory`, version1, 'memory.limit_in_bytes'),
  ];
  return Math.max(1, Math.floor(Math.min(machine.memoryBytes, ...limits) / 2 ** 20));
}

/** Limits of a group and of all groups around it; inside a container the root is the container's own group. */
function limitsUp(machine: Machine, root: string, group: string | undefined, file: string): number[] {
  if (group === undefined) return [];
  const limits: number[] = [];
  for (let path = group; ; path = dirname(path)) {
    const text = machine.readFile(`${root}${path === '/' ? '' : path}/${file}`)?.trim();
    if (text !== undefined && /^\d+$/.test(text)) limits.push(Number(text));
    if (path === '/') return limits;
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Whatever the reason, a limit that cannot be read is one that is not known.
    return undefined;
  }
}
