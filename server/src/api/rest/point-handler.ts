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
import { decodePathSegment } from './routes.ts';

/** Headers of later versions: a client that sends them relies on what is not there yet. */
const LATER_HEADERS = ['idempotency-key', 'x-grape-client-id', 'x-grape-sequence'] as const;

export interface PointHandlerDeps extends PointCallDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly admission: Admission;
  readonly bodyBytesMax: number;
  readonly requestTimeoutMs: number;
}

/** Runs one call on points, from admission to the counted result. Rejects with what the call threw. */
export async function handlePoints(
  route: { readonly call: PointCall; readonly id: string },
  exchange: Exchange,
  deps: PointHandlerDeps,
): Promise<Answer> {
  const { admission, metrics, clock } = deps;
  let status: QueryStatus = 'INTERNAL';
  let entered = false;
  try {
    admission.enter();
    entered = true;
    const answer = await admitted(route, exchange, deps);
    status = 'ok';
    return answer;
  } catch (error) {
    if (error instanceof GrapeError) status = error.code;
    else if (error instanceof ClientGoneError) status = 'INVALID_REQUEST';
    throw error;
  } finally {
    if (entered) admission.leave();
    metrics.observeQuery(route.call.op, status, (clock.nowMs() - exchange.startMs) / 1000);
  }
}

async function admitted(
  route: { readonly call: PointCall; readonly id: string },
  exchange: Exchange,
  deps: PointHandlerDeps,
): Promise<Answer> {
  const { request, startMs, queryText } = exchange;
  const { call } = route;
  refuseLaterHeaders(request);
  const isF32 = hasBody(request, call) && bodyFormat(request.headers, call.allowsF32 === true) === 'f32';
  const query = new Query(queryText, queryKeysOf(call, isF32));
  const deadlineMs = startMs + query.timeoutMs(deps.requestTimeoutMs);
  const idText = decodePathSegment(route.id);
  const reservation = new BodyReservation(deps.admission);
  try {
    const body = call.hasBody
      ? await readBody(request, { bytesMax: deps.bodyBytesMax, reservation })
      : NOTHING;
    return await call.run({ headers: request.headers, query, idText, body, startMs, deadlineMs }, deps);
  } finally {
    reservation.release();
  }
}

const NOTHING = Buffer.alloc(0);

function refuseLaterHeaders(request: IncomingMessage): void {
  for (const name of LATER_HEADERS) {
    if (request.headers[name] === undefined) continue;
    throw new GrapeError('UNSUPPORTED', `the header ${name} is not supported by this version`);
  }
}

/** What a request without a body says about its type means nothing. */
function hasBody({ headers }: IncomingMessage, call: PointCall): boolean {
  if (!call.hasBody) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
