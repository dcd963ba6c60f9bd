import { asError } from '../base/index.ts';
import { KvError } from '../native/index.ts';
import { FileCorruptError } from './durable-file.ts';
import { PoisonedError } from './poison.ts';
import { isRefusal } from './room.ts';

/** `full`: there was no room for it. `failed`: the disk, or what is on it, is not what it was. */
export type StorageFault = 'full' | 'failed';

const FULL: readonly string[] = ['ENOSPC', 'EDQUOT', 'KV_NO_SPACE'];
const FAILED: readonly string[] = ['EIO', 'EROFS', 'EUCLEAN', 'ENODEV', 'ENXIO'];

/**
 * What an error says of the disk; undefined when it is about something else. Looks through what errors name as their
 * cause: a poisoned store tells the error that poisoned it.
 */
export function storageFaultOf(error: Error): StorageFault | undefined {
  const code = 'code' in error ? String(error.code) : '';
  if (FULL.includes(code)) return 'full';
  if (error instanceof PoisonedError || !isStorageError(error, code)) {
    return error.cause === undefined ? undefined : storageFaultOf(asError(error.cause));
  }
  return 'failed';
}

function isStorageError(error: Error, code: string): boolean {
  if (error instanceof FileCorruptError || FAILED.includes(code)) return true;
  return error instanceof KvError && !isRefusal(error) && code !== 'KV_CLOSED' && code !== 'KV_LOCKED';
}
