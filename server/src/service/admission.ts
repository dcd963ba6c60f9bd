import { GrapeError, invariant } from '../base/index.ts';

/** Requests of clients that a node works on at one time. */
export const REQUESTS_IN_FLIGHT_MAX = 1024;
/** Bytes of request bodies that a node holds at one time. */
export const BODY_BYTES_IN_FLIGHT_MAX = 256 * 1024 * 1024;
/** Requests of other nodes that a node works on at one time. */
export const PEER_REQUESTS_IN_FLIGHT_MAX = 4096;

/**
 * Counts what is being worked on and refuses the rest at once, so that overload costs the callers an answer of
 * TOO_MANY_REQUESTS and never the node its memory.
 */
export class Admission {
  readonly #requestsMax: number;
  readonly #bodyBytesMax: number;
  #requests = 0;
  #bodyBytes = 0;

  constructor(limits: { readonly requestsMax: number; readonly bodyBytesMax: number }) {
    this.#requestsMax = limits.requestsMax;
    this.#bodyBytesMax = limits.bodyBytesMax;
  }

  get requests(): number {
    return this.#requests;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Throws TOO_MANY_REQUESTS; every success is paired with one `leave`. */
  enter(): void {
    if (this.#requests >= this.#requestsMax) {
      throw new GrapeError('TOO_MANY_REQUESTS', `the node already works on ${this.#requests} requests`);
    }
    this.#requests += 1;
  }

  leave(): void {
    invariant(this.#requests > 0, 'a request that leaves had entered');
    this.#requests -= 1;
  }

  /** Throws TOO_MANY_REQUESTS; what was reserved is given back by `release`. */
  reserve(bytes: number): void {
    if (this.#bodyBytes + bytes > this.#bodyBytesMax) {
      throw new GrapeError(
        'TOO_MANY_REQUESTS',
        `the node already holds ${this.#bodyBytes} bytes of request bodies`,
      );
    }
    this.#bodyBytes += bytes;
  }

  release(bytes: number): void {
    invariant(this.#bodyBytes >= bytes, 'bytes that are released were reserved', {
      bytes,
      held: this.#bodyBytes,
    });
    this.#bodyBytes -= bytes;
  }
}
