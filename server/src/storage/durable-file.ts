import { open, readFile, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ByteReader, ByteWriter, crc32c, DecodeError } from '../base/index.ts';

/** "GRPF". */
const MAGIC = 0x46505247;
const FORMAT_VERSION = 1;
/** Beside the file while it is being written; a leftover of a crash is overwritten by the next write. */
const TEMPORARY_SUFFIX = '.tmp';

/** A file of ours does not hold what was written to it, or was written by a newer version. */
export class FileCorruptError extends Error {
  override readonly name = 'FileCorruptError';
  readonly code = 'FILE_CORRUPT';
}

/**
 * Replaces a small file: after a crash at any moment it holds the old bytes or the new ones. Resolved when the new ones
 * are on disk. One write of a path at a time. Layout, little-endian: `magic u32 | version u16 | name | bytes | CRC32C u32`.
 */
export async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(encode(basename(path), bytes));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  // The new name is on disk only when its directory is.
  await syncDirectory(dirname(path));
}

/** What `writeDurably` wrote; undefined when there is no such file. Throws `FileCorruptError`. */
export async function readDurable(path: string): Promise<Buffer | undefined> {
  const stored = await readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  return stored && decode(path, stored);
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function encode(name: string, bytes: Buffer): Buffer {
  const writer = new ByteWriter(bytes.length + 64).u32(MAGIC).u16(FORMAT_VERSION).text(name).bytes(bytes);
  const body = Buffer.from(writer.finish());
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32c(body));
  return Buffer.concat([body, sum]);
}

function decode(path: string, stored: Buffer): Buffer {
  try {
    return decodeChecked(basename(path), stored);
  } catch (error) {
    if (error instanceof DecodeError) throw new FileCorruptError(`${path}: ${error.message}`);
    throw error;
  }
}

function decodeChecked(name: string, stored: Buffer): Buffer {
  const sumAt = stored.length - 4;
  if (sumAt < 0 || crc32c(stored.subarray(0, sumAt)) !== stored.readUInt32LE(sumAt)) {
    throw new DecodeError('the checksum does not match');
  }
  const reader = new ByteReader(stored.subarray(0, sumAt));
  if (reader.u32() !== MAGIC) throw new DecodeError('not a file of ours');
  const version = reader.u16();
  if (version !== FORMAT_VERSION) throw new DecodeError(`format ${String(version)} is not known here`);
  const writtenAs = reader.text();
  if (writtenAs !== name) throw new DecodeError(`this is the content of ${writtenAs}`);
  const bytes = reader.bytes();
  reader.end();
  return bytes;
}
