import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryUsage } from 'node:process';

import { asError } from '../base/index.ts';
import type { Collector, Metrics } from './metrics.ts';

/** Memory and disk of this process, for `Metrics.addCollector`; `dataDirectory` must exist. */
export function machineCollector(metrics: Metrics, dataDirectory: string): Collector {
  return async () => {
    metrics.setMemoryUsage(memoryUsage.rss());
    const fileSystem = await statfs(dataDirectory);
    metrics.setDisk({
      usageBytes: await bytesUnder(dataDirectory),
      freeBytes: fileSystem.bavail * fileSystem.bsize,
      sizeBytes: fileSystem.blocks * fileSystem.bsize,
    });
    const totals = await diskTotals();
    if (totals !== undefined) metrics.setDiskTotals(totals);
  };
}

/** Bytes of all files below; files that disappear meanwhile (compaction removes them) count nothing. */
async function bytesUnder(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += await sizeOf(join(entry.parentPath, entry.name));
  }
  return bytes;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** Linux only: proc(5), /proc/self/io. Undefined where the kernel or a sandbox does not offer it. */
async function diskTotals(): Promise<{ readBytes: number; writtenBytes: number } | undefined> {
  try {
    const text = await readFile('/proc/self/io', 'utf8');
    return { readBytes: numberAfter(text, 'read_bytes'), writtenBytes: numberAfter(text, 'write_bytes') };
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function numberAfter(text: string, key: string): number {
  return Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

function codeOf(error: unknown): string {
  return (asError(error) as NodeJS.ErrnoException).code ?? '';
}
