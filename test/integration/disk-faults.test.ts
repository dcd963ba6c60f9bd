import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { call } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
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
