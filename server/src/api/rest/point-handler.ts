import type { IncomingMessage } from 'node:http';

import type { Clock } from '../../base/index.ts';
import { GrapeError } from '../../base/index.ts';
import type { Metrics, QueryStatus } from '../../observability/index.ts';
import type { Admission } from '../../service/index.ts';
import { bodyFormat } from './content-type.ts';
import type { Answer } from './error-answer.ts';
import type { Exchange } from './exchange.ts';
import { type PointCall, type PointCallDeps, queryKeysOf } from './point-calls.ts';
import { Query } from './query.ts';
import { BodyReservation, ClientGoneError, readBody } from './request-body.ts';
import { retryNameOf } from './retry-headers.ts';
import { decodePathSegment } from './routes.ts';

export interface PointHandlerDeps extends PointCallDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly admission: Admission;
  readonly bodyBytesMax: number;
  readonly requestTimeoutMs: number;
}

/** Runs one call on points and counts it. Rejects with what the call threw. */
export async function handlePoints(
  route: { readonly call: PointCall; readonly id: string },
  exchange: Exchange,
  deps: PointHandlerDeps,
): Promise<Answer> {
  let status: QueryStatus = 'INTERNAL';
  try {
    const answer = await answered(route, exchange, deps);
    status = 'ok';
    return answer;
  } catch (error) {
    if (error instanceof GrapeError) status = error.code;
    else if (error instanceof ClientGoneError) status = 'INVALID_REQUEST';
    throw error;
  } finally {
    const seconds = (deps.clock.nowMs() - exchange.startMs) / 1000;
    deps.metrics.observeQuery(route.call.op, status, seconds);
  }
}

async function answered(
  route: { readonly call: PointCall; readonly id: string },
  exchange: Exchange,
  deps: PointHandlerDeps,
): Promise<Answer> {
  const { request, queryText } = exchange;
  const { call } = route;
  // Before the body: a write that misnames itself changes nothing. Reads may be repeated anyway.
  const retry = call.isWrite === true ? retryNameOf(request.headers) : undefined;
  const isF32 = hasBody(request, call) && bodyFormat(request.headers, call.allowsF32 === true) === 'f32';
  const query = new Query(queryText, queryKeysOf(call, isF32));
  const timeoutMs = query.timeoutMs(deps.requestTimeoutMs);
  const idText = decodePathSegment(route.id);
  const reservation = new BodyReservation(deps.admission);
  try {
    const body = call.hasBody
      ? await readBody(request, { bytesMax: deps.bodyBytesMax, reservation, setting: '[server] max_body_mb' })
      : NOTHING;
    // Time counts from here: how fast the client sends is its own affair, and takes no place from others.
    const startMs = deps.clock.nowMs();
    const deadlineMs = startMs + timeoutMs;
    const input = { headers: request.headers, query, idText, body, startMs, deadlineMs, retry };
    return await admitted(() => call.run(input, deps), deps.admission);
  } finally {
    reservation.release();
  }
}

async function admitted(run: () => Promise<Answer>, admission: Admission): Promise<Answer> {
  admission.enter();
  try {
    return await run();
  } finally {
    admission.leave();
  }
}

const NOTHING = Buffer.alloc(0);

/** What a request without a body says about its type means nothing. */
function hasBody({ headers }: IncomingMessage, call: PointCall): boolean {
  if (!call.hasBody) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
