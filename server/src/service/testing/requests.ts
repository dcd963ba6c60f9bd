import type { FakeClock } from '../../base/index.ts';
import {
  parsePointId,
  type PointWrite,
  type SearchRequest,
  type ScrollRequest,
  type UpsertRequest,
} from '../../model/index.ts';

/** A point with readable parts. */
export function pointOf(id: string | number, vector: readonly number[], payload: object = {}): PointWrite {
  return {
    id: parsePointId(id),
    vector: Buffer.from(new Float32Array(vector).buffer),
    payload: Buffer.from(JSON.stringify(payload)),
  };
}

export function upsertOf(...points: readonly PointWrite[]): UpsertRequest {
  return { single: false, points };
}

export function searchOf(vector: readonly number[], o: Partial<SearchRequest> = {}): SearchRequest {
  return {
    vector: new Float32Array(vector),
    limit: 10,
    offset: 0,
    scoreThreshold: undefined,
    withPayload: true,
    withVector: false,
    ef: undefined,
    exact: true,
    consistency: 'strong',
    ...o,
  };
}

export function scrollOf(o: Partial<ScrollRequest> = {}): ScrollRequest {
  return { limit: 10, cursor: undefined, withVector: false, withPayload: true, consistency: 'strong', ...o };
}

/** Lets time pass until `promise` settles: waiting costs no real time. Fails after 100 simulated seconds. */
export async function passTimeUntil<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const state = { isSettled: false };
  const done = (): void => {
    state.isSettled = true;
  };
  promise.then(done, done);
  for (let passedMs = 0; !state.isSettled; passedMs += 5) {
    if (passedMs > 100_000) throw new Error('nothing happened within 100 simulated seconds');
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5);
  }
  return promise;
}
