/**
 * A process to be killed: `crash-writer.ts <path> log|data [errors]` writes the keys 000000, 000001, ... and prints how many
 * it knows to be durable. With `errors` it goes on after a failed write and prints so many of them before it ends by itself.
 */
import process from 'node:process';
import { asError } from '../../base/index.ts';
import { openRocksKv, WriteBatch } from '../index.ts';

const VALUE_BYTES = 2_000;
const FLUSH_EVERY = 20;

const [path = '', profile = 'log', errors = '0'] = process.argv.slice(2);
let errorsLeft = Number(errors);
// A write over the limit on file sizes raises this signal; without a handler it ends the process.
process.on('SIGXFSZ', () => undefined);

const kv = await openRocksKv({
  path,
  profile: profile === 'data' ? 'data' : 'log',
  cacheBytes: 1 << 20,
  writeBufferBytes: 8 << 20,
  compression: true,
});

const batch = new WriteBatch();
for (let i = 0; ; i += 1) {
  batch.clear();
  batch.put(Buffer.from(String(i).padStart(6, '0')), Buffer.alloc(VALUE_BYTES, i));
  try {
    await kv.write(batch, { sync: profile === 'log' });
    if (profile === 'log') process.stdout.write(`${String(i + 1)}\n`);
    else if (i % FLUSH_EVERY === FLUSH_EVERY - 1) {
      await kv.flush();
      process.stdout.write(`${String(i + 1)}\n`);
    }
  } catch (thrown) {
    const error = asError(thrown);
    process.stdout.write(`error ${error.name} ${(error as { code?: string }).code ?? error.message}\n`);
    errorsLeft -= 1;
    if (errorsLeft <= 0) process.kill(process.pid, 'SIGKILL');
  }
}
