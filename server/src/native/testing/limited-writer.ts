/**
 * A process whose files may not grow over a limit: `limited-writer.ts <path>` begins many synced writes at once and prints
 * the outcome of each, in order, on a line.
 */
import process from 'node:process';
import { type KvError, RocksDb, WriteBatch } from '../index.ts';

const WRITES = 200;

// A write over the limit raises this signal; without a handler it ends the process.
process.on('SIGXFSZ', () => undefined);

const db = await RocksDb.open(process.argv[2] ?? '', {
  profile: 'log',
  cacheBytes: 1 << 20,
  writeBufferBytes: 8 << 20,
  compression: 'none',
});
const outcomes = Array.from({ length: WRITES }, async (_, i) => {
  // Small ones behind large ones: those would fit where a large one did not.
  const batch = new WriteBatch().put(Buffer.from(String(i)), Buffer.alloc(i % 2 === 0 ? 5_000 : 10, i));
  return db.write(batch, { sync: true }).then(
    () => 'ok',
    (error: unknown) => (error as KvError).code,
  );
});
process.stdout.write(`${(await Promise.all(outcomes)).join('\n')}\n`);
process.kill(process.pid, 'SIGKILL');
