import { asError, ERRORS, GrapeError } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';

/** What goes back to the client. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who leads the shard of the point that was asked for; without it, the cluster's leader is named. */
  readonly leader?: string | undefined;
  /** The connection is closed after the answer. */
  readonly isLast?: boolean;
}

/** Seconds after which a client that was sent away may come back. */
const RETRY_AFTER_SECS = '1';

/** `{"error":{"code","message","retryable","details"?}}` with the status of the error table. */
export function errorAnswer(error: GrapeError): Answer {
  const { http, retryable } = ERRORS[error.code];
  const { code, message, details } = error;
  const body = JSON.stringify({
    error: { code, message, retryable, ...(details !== undefined && { details }) },
  });
  return { status: http, body, ...(http === 429 && { headers: { 'retry-after': RETRY_AFTER_SECS } }) };
}

/** A coded error as it is. Anything else is a defect: logged in full, and told apart only by the request id outside. */
export function codedError(
  thrown: unknown,
  log: { readonly logger: Logger; readonly requestId: string },
): GrapeError {
  if (thrown instanceof GrapeError) return thrown;
  if (thrown instanceof URIError)
    return new GrapeError('INVALID_REQUEST', 'the path is not valid percent-encoded UTF-8');
  const error = asError(thrown);
  log.logger.error('a request failed unexpectedly', { request_id: log.requestId, error });
  return new GrapeError(
    'INTERNAL',
    `the request ${log.requestId} failed unexpectedly; the log of the node says why`,
  );
}
