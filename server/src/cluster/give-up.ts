import type { DataDirectory } from '../storage/index.ts';
import { ADMISSION_FILE, decodeAdmission } from './admission.ts';
import { encodeRecord, RECORD_FILE } from './record.ts';

/** The record of the cluster that the node wants to be a member of again, with another store. */
export const REJOIN_FILE = 'rejoin';

/** An operator has let the node be admitted with another store, although `auto_rejoin` is false. */
export const PERMITTED_FILE = 'permitted';

/** Somebody has said that the store may be given up. */
export async function mayGiveUp(directory: DataDirectory): Promise<boolean> {
  return (await directory.readFile(PERMITTED_FILE)) !== undefined;
}

/**
 * Makes a directory that has forgotten what it promised that of a new store of the same node, which may ask to be admitted.
 * What was there is set aside: nobody knows yet whether it is needed. To be called before the stores are opened.
 */
export async function giveUpStore(directory: DataDirectory): Promise<void> {
  const admission = await directory.readFile(ADMISSION_FILE);
  const record =
    admission === undefined
      ? await directory.readFile(RECORD_FILE)
      : encodeRecord(decodeAdmission(admission).record);
  // Set aside already when a crash has interrupted this.
  if (record !== undefined) await directory.writeFile(REJOIN_FILE, record);
  await directory.startAnew([REJOIN_FILE]);
}
