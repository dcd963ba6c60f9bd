/**
 * A process that holds a data directory: `directory-holder.ts <path>` prints a line when it has it, and ends with its input.
 */
import process from 'node:process';
import { openDataDirectory } from '../index.ts';

const directory = await openDataDirectory(process.argv[2] ?? '');
process.stdout.write(`${directory.identity.storeUuid}\n`);
process.stdin.resume();
