import { parentPort } from 'node:worker_threads';

import { GrapeError, present } from '../../base/index.ts';
import { type ParseJob, type ParseReply } from './parse-job.ts';
import { parseBody } from './parsed-body.ts';
import { encodeParsed } from './parsed-codec.ts';

/** Entry of the parsing thread: one job in, one reply out. A defect ends the thread, and the pool starts another. */

/** Above the size that buffers share memory at, so that the block belongs to the reply alone. */
const BLOCK_BYTES_MIN = 64 * 1024;

const port = present(parentPort, 'the port to the main thread');

port.on('message', (job: ParseJob) => {
  const reply = parsed(job);
  port.postMessage(reply, reply.ok ? [reply.block.buffer as ArrayBuffer] : []);
});

function parsed(job: ParseJob): ParseReply {
  const bytes = Buffer.from(job.bytes.buffer, job.bytes.byteOffset, job.bytes.length);
  try {
    const body = parseBody(job.kind, bytes, job.context);
    return { ok: true, block: encodeParsed(body, Math.max(BLOCK_BYTES_MIN, bytes.length)) };
  } catch (error) {
    if (!(error instanceof GrapeError)) throw error;
    return { ok: false, code: error.code, message: error.message, details: error.details };
  }
}
