import type { IncomingMessage } from 'node:http';

import { GrapeError } from '../../base/index.ts';
import type { Admission } from '../../service/index.ts';

/** A body over the limit is read to its end, so that the client gets the answer; beyond this the connection ends. */
const DRAIN_BYTES_MAX = 256 * 1024 * 1024;

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

/** The body was not read to its end, so nothing more can be read from this connection. */
export class UndrainedBodyError extends GrapeError {}

/** What a request holds of the node's budget for bodies; given back by `release`, once, whatever happened. */
export class BodyReservation {
  readonly #admission: Admission;
  #bytes = 0;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /** Throws TOO_MANY_REQUESTS. */
  add(bytes: number): void {
    this.#admission.reserve(bytes);
    this.#bytes += bytes;
  }

  release(): void {
    this.#admission.release(this.#bytes);
    this.#bytes = 0;
  }
}

export interface BodyLimits {
  readonly bytesMax: number;
  readonly reservation: BodyReservation;
  /** The key of the configuration that sets `bytesMax`; none when nothing does. */
  readonly setting?: string;
}

/**
 * The whole body. Throws PAYLOAD_TOO_LARGE over `bytesMax`, TOO_MANY_REQUESTS when the node holds too many bodies
 * (both after reading the rest and dropping it), and `ClientGoneError`.
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > DRAIN_BYTES_MAX) return Promise.reject(undrained(limits));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let refusal: GrapeError | undefined = declared > limits.bytesMax ? tooLarge(limits) : undefined;
    const refuse = (error: GrapeError): void => {
      refusal = error;
      chunks.length = 0;
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > DRAIN_BYTES_MAX) reject(undrained(limits));
      else if (refusal === undefined) {
        refusal = keep(chunk, bytes, limits);
        if (refusal === undefined) chunks.push(chunk);
        else refuse(refusal);
      }
    });
    request.on('end', () => {
      if (refusal === undefined) resolve(joined(chunks, bytes));
      else reject(refusal);
    });
    request.on('error', () => reject(new ClientGoneError('the connection failed within the body')));
  });
}

/** Undefined when the chunk may be kept. */
function keep(chunk: Buffer, bytes: number, limits: BodyLimits): GrapeError | undefined {
  if (bytes > limits.bytesMax) return tooLarge(limits);
  try {
    limits.reservation.add(chunk.length);
    return undefined;
  } catch (error) {
    if (error instanceof GrapeError) return error;
    throw error;
  }
}

function joined(chunks: readonly Buffer[], bytes: number): Buffer {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes);
}

function tooLarge(limits: BodyLimits): GrapeError {
  return new GrapeError('PAYLOAD_TOO_LARGE', tooLargeMessage(limits));
}

function undrained(limits: BodyLimits): GrapeError {
  return new UndrainedBodyError('PAYLOAD_TOO_LARGE', tooLargeMessage(limits));
}

function tooLargeMessage({ bytesMax, setting }: BodyLimits): string {
  return `the body is larger than ${bytesMax} bytes${setting === undefined ? '' : ` (${setting})`}`;
}
