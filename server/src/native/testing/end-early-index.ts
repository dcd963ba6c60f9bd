/**
 * A process that ends in one of several ways while vectors are being added, linked, searched and saved:
 * `end-early-index.ts <directory> <way>`. It prints `settled` when the calls that it began are done.
 */
import { join } from 'node:path';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { IndexBatch, VectorIndex } from '../index.ts';
import { shardZero } from './index-fixtures.ts';
import { clusteredVectors } from './vectors.ts';

const [directory = '', way = ''] = process.argv.slice(2);
const dimension = 64;

/** Many calls of all kinds, begun and not awaited. */
async function beginWork(): Promise<void> {
  const index = VectorIndex.create({
    dimension,
    metric: 'cosine',
    m: 16,
    efConstruction: 100,
    binaryQuantization: false,
  });
  const vectors = clusteredVectors({ count: 3_000, dimension, clusters: 30, seed: 5 });
  const calls: Promise<unknown>[] = [];
  for (const [i, vector] of vectors.entries()) {
    const batch = new IndexBatch();
    batch.upsert({ shard: 0, generation: 1, version: 1, id: Buffer.from(String(i)), vector });
    calls.push(index.apply(batch));
    if (i % 10 === 0) {
      calls.push(index.search({ query: vector, k: 10, ef: 50, exact: i % 20 === 0, shards: shardZero }));
    }
    if (i % 1_000 === 0) calls.push(index.save(join(directory, 'index'), Buffer.alloc(0)));
  }
  await Promise.all(calls);
}

const scriptOfWorker = `
  require('node:worker_threads').parentPort.postMessage('busy');
  import(require('node:worker_threads').workerData);
`;

async function terminateWorker(): Promise<void> {
  const worker = new Worker(scriptOfWorker, {
    eval: true,
    workerData: import.meta.url,
    argv: [directory, 'work'],
  });
  await new Promise((resolve) => worker.once('message', resolve));
  // Some turns of work of our own, beside that of the worker, before it ends.
  await beginWork();
  await worker.terminate();
  process.stdout.write('settled\n');
}

if (way === 'worker') {
  await terminateWorker();
} else {
  const work = beginWork().then(() => way !== 'work' && process.stdout.write('settled\n'));
  if (way === 'exit') process.exit(0);
  if (way === 'throw') throw new Error('on purpose');
  // 'return': nothing keeps the process but the calls under way; the index is never closed.
  if (way === 'work') await work;
}
