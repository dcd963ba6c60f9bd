import { GrapeError } from '../base/index.ts';
import { isRefusal } from '../storage/index.ts';

/** Turns a refusal for lack of room into TOO_MANY_REQUESTS, for work that a client may repeat. */
export async function orRefused<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new GrapeError('TOO_MANY_REQUESTS', 'the queue of this node is full');
  }
}
