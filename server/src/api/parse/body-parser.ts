import { Worker } from 'node:worker_threads';

import { BoundedQueue, GrapeError, present } from '../../base/index.ts';
import type { ParseContext } from '../../model/index.ts';
import type { ParseJob, ParseReply } from './parse-job.ts';
import { type BodyKind, parseBody, type ParsedBodies } from './parsed-body.ts';
import { decodeParsed } from './parsed-codec.ts';

/** Bodies above this are parsed by another thread, because they would hold up everything else on this one. */
export const PARSE_HERE_BYTES_MAX = 256 * 1024;
/** Bodies that wait for the parsing thread. */
const PARSE_QUEUE_MAX = 256;
/** Memory of the parsing thread: the objects of a 32 MB body of small arrays take more than ten times its size. */
const WORKER_HEAP_MB_MAX = 768;

/** Beside the compiled file lies the compiled one; without a build step Node.js runs the source itself. */
const WORKER_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './parse-worker.ts' : './parse-worker.js',
  import.meta.url,
);

interface Waiting {
  readonly job: ParseJob;
  readonly resolve: (reply: ParseReply) => void;
  readonly reject: (error: GrapeError) => void;
}

/**
 * Parses and validates bodies: small ones at once, large ones one after the other on a thread of their own, which is
 * started with the first one. A body that exhausts that thread's memory is refused and the thread replaced.
 */
export class BodyParser {
  readonly #queue = new BoundedQueue<Waiting>({ itemsMax: PARSE_QUEUE_MAX });
  #worker: Worker | undefined;
  #current: Waiting | undefined;
  #isClosed = false;

  /** Throws the `GrapeError` that names what is wrong, and TOO_MANY_REQUESTS. `bytes` must not be used afterwards. */
  async parse<K extends BodyKind>(kind: K, bytes: Buffer, context: ParseContext): Promise<ParsedBodies[K]> {
    if (bytes.length <= PARSE_HERE_BYTES_MAX)
      return parseBody(kind, bytes, context).request as ParsedBodies[K];
    const reply = await this.#elsewhere({ kind, bytes: owned(bytes), context });
    if (!reply.ok) throw new GrapeError(reply.code, reply.message, reply.details);
    return decodeParsed(reply.block).request as ParsedBodies[K];
  }

  /** Bodies still waiting are refused with SHUTTING_DOWN. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = new GrapeError('SHUTTING_DOWN', 'the node is stopping');
    for (const waiting of this.#queue.drain()) waiting.reject(closing);
    this.#current?.reject(closing);
    this.#current = undefined;
    await this.#worker?.terminate();
  }

  #elsewhere(job: ParseJob): Promise<ParseReply> {
    if (this.#isClosed) return Promise.reject(new GrapeError('SHUTTING_DOWN', 'the node is stopping'));
    return new Promise((resolve, reject) => {
      if (!this.#queue.push({ job, resolve, reject })) {
        reject(
          new GrapeError('TOO_MANY_REQUESTS', `${PARSE_QUEUE_MAX} large bodies already wait to be parsed`),
        );
      } else this.#next();
    });
  }

  /** One at a time: when the thread dies, it is known which body did it. */
  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#queue.shift();
    if (this.#current === undefined) return;
    this.#worker ??= this.#start();
    const { job } = this.#current;
    this.#worker.postMessage(job, [job.bytes.buffer as ArrayBuffer]);
  }

  #start(): Worker {
    const worker = new Worker(WORKER_FILE, {
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB_MAX },
    });
    // An idle parser must not keep the process alive.
    worker.unref();
    worker.on('message', (reply: ParseReply) => {
      const waiting = present(this.#current, 'the body that the reply belongs to');
      this.#current = undefined;
      waiting.resolve(reply);
      this.#next();
    });
    worker.on('error', (error: Error & { readonly code?: string }) => this.#died(worker, error));
    return worker;
  }

  #died(worker: Worker, error: Error & { readonly code?: string }): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const waiting = this.#current;
    this.#current = undefined;
    waiting?.reject(
      error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? new GrapeError('PAYLOAD_TOO_LARGE', 'the body has too many values to be parsed; send less at once')
        : new GrapeError('INTERNAL', `the body could not be parsed: ${error.message}`),
    );
    this.#next();
  }
}

/** Memory that can be moved to another thread: small buffers share a pool and have to be copied out of it. */
function owned(bytes: Buffer): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
