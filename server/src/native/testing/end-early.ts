/**
 * A process that ends in one of several ways while calls are under way: `end-early.ts <path> <way>`. It prints `settled`
 * when the writes that it began are done.
 */
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { RocksDb, WriteBatch } from '../index.ts';

const [path = '', way = ''] = process.argv.slice(2);

async function open(at: string): Promise<RocksDb> {
  return RocksDb.open(at, {
    profile: 'log',
    cacheBytes: 1 << 20,
    writeBufferBytes: 1 << 20,
    compression: 'lz4',
  });
}

/** Many calls of all kinds, begun and not awaited. */
async function beginWork(db: RocksDb): Promise<void> {
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i += 1) {
    const key = Buffer.from(String(i));
    calls.push(
      db.write(new WriteBatch().put(key, Buffer.alloc(5_000, i)), { sync: i % 10 === 0 }),
      db.get(key),
    );
    if (i % 30 === 0) calls.push(db.flush(), db.scan({}).next({ entriesMax: 10, bytesMax: 1 << 20 }));
  }
  await Promise.all(calls);
}

const scriptOfWorker = `
  const { workerData, parentPort } = require('node:worker_threads');
  import(workerData.index).then(async ({ RocksDb, WriteBatch }) => {
    const options = { profile: 'log', cacheBytes: 1 << 20, writeBufferBytes: 1 << 20, compression: 'lz4' };
    const db = await RocksDb.open(workerData.path, options);
    for (let i = 0; i < 300; i += 1) {
      void db.write(new WriteBatch().put(Buffer.from(String(i)), Buffer.alloc(5000)), { sync: i % 10 === 0 });
      void db.get(Buffer.from(String(i)));
    }
    parentPort.postMessage('busy');
  });
`;

async function terminateWorker(): Promise<void> {
  const index = new URL('../index.ts', import.meta.url).href;
  const worker = new Worker(scriptOfWorker, { eval: true, workerData: { path, index } });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
  // The worker's database was closed with it: only then can it be opened here.
  const db = await open(path);
  await db.close();
  process.stdout.write('settled\n');
}

if (way === 'worker') {
  await terminateWorker();
} else {
  const db = await open(path);
  const work = beginWork(db).then(() => process.stdout.write('settled\n'));
  if (way === 'exit') process.exit(0);
  if (way === 'throw') throw new Error('on purpose');
  // 'return': nothing keeps the process but the calls under way; the database is never closed.
  if (way === 'await') await work;
}
