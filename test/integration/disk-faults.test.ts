import { type ChildProcess, execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { call, errorCode, upsert } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { mountRefusal, SmallDisk } from '../support/small-disk.ts';
import { vectorOf } from '../support/vectors.ts';
import { BackgroundWriter } from '../support/writer.ts';

const DIMENSION = 256;

jest.setTimeout(180_000);

async function linesOf(cluster: LocalCluster, pattern: RegExp): Promise<string[]> {
  const log = await readFile(join(cluster.node('node-1').directory, 'server.log'), 'utf8');
  return log.split('\n').filter((line) => pattern.test(line));
}

/** From now on the file system refuses to let a file of the process grow beyond this: to RocksDB, an I/O error. */
async function refuseFilesAbove(bytes: number, pid: number | undefined): Promise<void> {
  await promisify(execFile)('prlimit', [`--pid=${String(pid)}`, `--fsize=${bytes}`]);
}

test('a node whose log cannot be written aborts with one line; started again it has everything acknowledged', async () => {
  await withCluster({ nodeCount: 1, dimension: DIMENSION }, async (cluster) => {
    const child = await cluster.start('node-1');
    await cluster.whenReady('node-1');
    const writer = new BackgroundWriter({
      urls: () => [cluster.url('node-1')],
      dimension: DIMENSION,
      firstId: 0,
    });
    await cluster.until('writes are acknowledged', 30_000, () =>
      Promise.resolve(writer.acknowledged.length > 20),
    );
    const ended = cluster.exit(child);
    await refuseFilesAbove(1 << 20, child.pid);
    await ended;
    await writer.stop();
    expect(child.signalCode).toBe('SIGABRT');
    expect(await linesOf(cluster, /ERROR/)).toEqual([expect.stringContaining('the disk has failed')]);

    await cluster.start('node-1');
    await cluster.whenReady('node-1');
    for (const id of writer.acknowledged) {
      const reply = await call(cluster.url('node-1'), 'GET', `/vectors/${id}`);
      expect(reply).toMatchObject({ status: 200, body: { id } });
    }
  });
});

const refusal = mountRefusal();
if (refusal !== undefined) process.stderr.write(`no file system can be mounted here: ${refusal}\n`);

(refusal === undefined ? test : test.skip)(
  'a node whose store is refused room begins again by itself, reads, and writes when it has room',
  async () => {
    const dimension = 2048;
    const set = {
      'storage.write_buffer_size_mb': 1,
      'storage.disk_soft_limit_mb': 6,
      'storage.disk_hard_limit_mb': 4,
      'storage.disk_ballast_mb': 3,
    };
    await withCluster({ nodeCount: 1, dimension, set }, async (cluster) => {
      const disk = await SmallDisk.mount(join(cluster.node('node-1').directory, 'data'), 100);
      const url = cluster.url('node-1');
      const writer = new BackgroundWriter({ urls: () => [url], dimension, firstId: 0 });
      try {
        const child = await cluster.start('node-1');
        await cluster.whenReady('node-1');
        await cluster.until('writes are acknowledged', 30_000, () =>
          Promise.resolve(writer.acknowledged.length > 20),
        );
        await untilLooked(cluster, url);
        // Until the next look the log and its tables find no room.
        await disk.fillTo(0);
        await untilBeginsAgain(cluster, child);
        await writer.stop();
        await cluster.whenReady('node-1');
        const { acknowledged } = writer;
        for (const id of acknowledged) {
          expect(await call(url, 'GET', `/vectors/${id}`)).toMatchObject({ status: 200, body: { id } });
        }
        const write = () => upsert(url, { id: 1_000_000, vector: vectorOf(1, dimension) });
        // Opening the stores may have freed what the log had taken in advance.
        await disk.fillTo(2);
        await cluster.until(
          'writes are refused',
          30_000,
          async () => errorCode(await write()) === 'STORAGE_FULL',
        );
        await disk.makeRoom();
        await cluster.until('writes go on', 30_000, async () => (await write()).status === 200);
      } finally {
        await writer.stop();
        await cluster.stopAll('SIGKILL');
        disk.unmount();
      }
    });
  },
);

/**
 * Until the process says that it begins again: the same one, which nobody has to start. Where RocksDB was built with its
 * assertions one of its own threads may stumble over the failed file first, which ends the process: then it is started.
 */
async function untilBeginsAgain(cluster: LocalCluster, child: ChildProcess): Promise<void> {
  await cluster.until('the node begins again', 60_000, async () => {
    const starts = await linesOf(cluster, / starting|"starting"/);
    return starts.length > 1 || !cluster.isRunning('node-1');
  });
  if (cluster.isRunning('node-1')) {
    const [first] = await linesOf(cluster, /ERROR/);
    expect(first).toContain('the disk is full: the process begins again');
    expect(cluster.pid('node-1')).toBe(child.pid);
  } else {
    expect(child.signalCode).toBe('SIGABRT');
    expect(await linesOf(cluster, /rocksdb.*Assertion/)).not.toEqual([]);
    await cluster.start('node-1');
  }
}

/** Until the node has just looked at its disk, which it does once a second. */
async function untilLooked(cluster: LocalCluster, url: string): Promise<void> {
  const available = async (): Promise<string | undefined> => {
    const { body } = await call(url, 'GET', '/metrics');
    return /^grape_disk_available_bytes (\S+)$/m.exec(String(body['text']))?.[1];
  };
  const before = await available();
  await cluster.until('the node looks at its disk', 30_000, async () => (await available()) !== before);
}
