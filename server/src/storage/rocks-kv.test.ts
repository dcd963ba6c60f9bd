import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collect, describeKvContract, type KvHarness } from './kv-contract.ts';
import { type KvProfile, type KvStore, openRocksKv } from './index.ts';

function openAt(path: string, profile: KvProfile): Promise<KvStore> {
  return openRocksKv({ path, profile, cacheBytes: 1 << 20, writeBufferBytes: 1 << 20, compression: true });
}

async function makeHarness(profile: KvProfile): Promise<KvHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'grape-kv-'));
  const checkpointName = join(directory, 'checkpoint');
  return {
    profile,
    checkpointName,
    open: () => openAt(join(directory, 'db'), profile),
    reopen: () => openAt(join(directory, 'db'), profile),
    openCheckpoint: () => openAt(checkpointName, profile),
    dispose: () => rm(directory, { recursive: true }),
  };
}

for (const profile of ['log', 'data'] satisfies KvProfile[]) {
  describeKvContract(`RocksDB (${profile})`, () => makeHarness(profile));
}

describe('after a crash of the process', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'grape-crash-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  test('every acknowledged synced write is there, in a log without holes', async () => {
    const acknowledged = await runWriter(directory, 'log', { killAfterLines: 60 });
    const kv = await openAt(join(directory, 'db'), 'log');
    const found = await collect(kv, { keysOnly: true });
    expect(found.length).toBeGreaterThanOrEqual(acknowledged);
    expect(found).toEqual(found.map((_, i) => `${String(i).padStart(6, '0')}=`));
    await kv.close();
  });

  test('a store without a log holds a first part of its writes that covers the last flush', async () => {
    // The writer flushes after every 20th write and says how many writes the flush covers.
    const covered = await runWriter(directory, 'data', { killAfterLines: 3 });
    const kv = await openAt(join(directory, 'db'), 'data');
    const found = await collect(kv, { keysOnly: true });
    expect(found.length).toBeGreaterThanOrEqual(covered);
    expect(found).toEqual(found.map((_, i) => `${String(i).padStart(6, '0')}=`));
    await kv.close();
  });

  test('when the disk refuses a write, no later one is acknowledged, and nothing acknowledged is lost', async () => {
    // A limit on the size of files stands for a full disk. The writer goes on after the first error.
    const { lines } = await runLimitedWriter(directory, { fileKiB: 256 });
    const acknowledged = lines.filter((line) => /^\d+$/.test(line)).map(Number);
    const errors = lines.filter((line) => line.startsWith('error'));
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(acknowledged).toEqual(acknowledged.map((_, i) => i + 1));
    expect(errors[0]).toBe('error KvError KV_IO_ERROR');
    expect(errors).toHaveLength(10);
    expect(new Set(errors.slice(1))).toEqual(new Set(['error PoisonedError KV_POISONED']));

    const kv = await openAt(join(directory, 'db'), 'log');
    const found = await collect(kv, { keysOnly: true });
    expect(found.length).toBeGreaterThanOrEqual(acknowledged.length);
    expect(found.length).toBeLessThanOrEqual(acknowledged.length + 1);
    await kv.close();
  });

  test('a torn last record is dropped, a damaged one in the middle is KV_CORRUPTION', async () => {
    await runWriter(directory, 'log', { killAfterLines: 40 });
    const log = await logFile(join(directory, 'db'));
    const { size } = await stat(log);

    await truncate(log, size - 100);
    const torn = await openAt(join(directory, 'db'), 'log');
    expect((await collect(torn)).length).toBeGreaterThan(30);
    await torn.close();
    await rm(join(directory, 'db'), { recursive: true });

    await runWriter(directory, 'log', { killAfterLines: 40 });
    await flipBit(await logFile(join(directory, 'db')), 20_000);
    await expect(openAt(join(directory, 'db'), 'log')).rejects.toMatchObject({ code: 'KV_CORRUPTION' });
  });
});

interface WriterOptions {
  readonly killAfterLines: number;
}

/** Runs `crash-writer.ts`, kills it after some lines; the number of the last line. */
async function runWriter(directory: string, profile: KvProfile, options: WriterOptions): Promise<number> {
  const writer = spawn(process.execPath, [writerPath, join(directory, 'db'), profile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  writer.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
    if (output.split('\n').length > options.killAfterLines) writer.kill('SIGKILL');
  });
  await once(writer, 'close');
  const complete = output.split('\n').slice(0, -1);
  expect(complete.length).toBeGreaterThanOrEqual(options.killAfterLines);
  return Number(complete.at(-1));
}

async function runLimitedWriter(
  directory: string,
  limit: { readonly fileKiB: number },
): Promise<{ lines: string[] }> {
  const command = `ulimit -f ${String(limit.fileKiB)}; exec "$@"`;
  const args = ['-c', command, 'bash', process.execPath, writerPath, join(directory, 'db'), 'log', '10'];
  const writer = spawn('bash', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  writer.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await once(writer, 'close');
  return { lines: output.split('\n').slice(0, -1) };
}

const writerPath = join(import.meta.dirname, 'testing', 'crash-writer.ts');

async function logFile(path: string): Promise<string> {
  const logs = (await readdir(path)).filter((name) => name.endsWith('.log')).sort();
  expect(logs).not.toHaveLength(0);
  return join(path, logs.at(-1)!);
}

async function flipBit(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = byte[0]! ^ 1;
  await file.write(byte, 0, 1, offset);
  await file.close();
}
