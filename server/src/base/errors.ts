/** Classes of failure, named as gRPC names them; each fixes the HTTP and gRPC status. */
export type ErrorClass =
  | 'InvalidRequest'
  | 'Unauthenticated'
  | 'PermissionDenied'
  | 'NotFound'
  | 'AlreadyExists'
  | 'PreconditionFailed'
  | 'Unavailable'
  | 'ResourceExhausted'
  | 'DeadlineExceeded'
  | 'DataLoss'
  | 'Internal';

interface ErrorSpec {
  readonly class: ErrorClass;
  readonly http: number;
  /** gRPC status code number. */
  readonly grpc: number;
  /** May the same request be sent again, as it is, with a chance to succeed? */
  readonly retryable: boolean;
  readonly advice: string;
}

const invalid = (advice: string, http = 400): ErrorSpec => ({
  class: 'InvalidRequest',
  http,
  grpc: 3,
  retryable: false,
  advice,
});

/** Every error that leaves the process. `docs/reference/errors.md` is held equal to this table by a test. */
export const ERRORS = {
  INVALID_REQUEST: invalid('Correct the request; the message names the field and what it must be.'),
  INVALID_JSON: invalid('Send one well-formed UTF-8 JSON value.'),
  UNKNOWN_KEY: invalid('Remove the key or correct its spelling.'),
  INVALID_ID: invalid('Use a string of 1 to 512 bytes, a UUID, or an integer from 0 to 2^64-1.'),
  INVALID_VECTOR: invalid('Send finite float32 numbers; under cosine the vector must not be zero.'),
  DIMENSION_MISMATCH: invalid('Send vectors with as many values as the collection has dimensions.'),
  INVALID_PAYLOAD: invalid('Send a JSON object of at most 1 MiB and bounded nesting.'),
  INVALID_CURSOR: invalid('Start the scroll again without a cursor.'),
  INVALID_FILTER: invalid('Correct the filter; the message names the place in it and what must be there.'),
  UNSUPPORTED: invalid('This version does not offer the feature yet; leave it out of the request.'),
  UNSUPPORTED_MEDIA_TYPE: invalid('Send JSON as application/json.', 415),
  METHOD_NOT_ALLOWED: invalid('Use one of the methods of the Allow header.', 405),
  PAYLOAD_TOO_LARGE: {
    ...invalid('Send less per request or raise [server] max_body_mb.', 413),
  },
  UNAUTHENTICATED: {
    class: 'Unauthenticated',
    http: 401,
    grpc: 16,
    retryable: false,
    advice: 'Send Authorization: Bearer with the cluster token or an admin key.',
  },
  NOT_FOUND: {
    class: 'NotFound',
    http: 404,
    grpc: 5,
    retryable: false,
    advice: 'There is nothing under this id or path.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    class: 'AlreadyExists',
    http: 409,
    grpc: 6,
    retryable: false,
    advice: 'Another write was sent under this key or sequence; use a new one for every write.',
  },
  VERSION_MISMATCH: {
    class: 'PreconditionFailed',
    http: 409,
    grpc: 9,
    retryable: false,
    advice: 'Read the point again and decide anew; somebody else has written it meanwhile.',
  },
  INDEX_CONFLICT: {
    class: 'PreconditionFailed',
    http: 409,
    grpc: 9,
    retryable: false,
    advice: 'Use the index as it is, or drop it first; the message says what is in the way.',
  },
  SEQUENCE_TOO_OLD: {
    class: 'PreconditionFailed',
    http: 409,
    grpc: 9,
    retryable: false,
    advice:
      'Let a client id have one write under way at a time, each with a higher sequence than the one before.',
  },
  NOT_A_MEMBER: {
    class: 'Unavailable',
    http: 503,
    grpc: 14,
    retryable: true,
    advice:
      'This node is not a member of a cluster yet; finish forming it or join it with POST /cluster/join.',
  },
  SHARD_UNAVAILABLE: {
    class: 'Unavailable',
    http: 503,
    grpc: 14,
    retryable: true,
    advice: 'The shard has no leader or no quorum now; nothing was applied. Retry after a moment.',
  },
  STORAGE_FULL: {
    class: 'Unavailable',
    http: 503,
    grpc: 14,
    retryable: true,
    advice:
      'The disks of most replicas of the shard are (almost) full; nothing was applied. Delete points or add room: writes go on by themselves.',
  },
  SHUTTING_DOWN: {
    class: 'Unavailable',
    http: 503,
    grpc: 14,
    retryable: true,
    advice: 'The node is stopping; retry against another one.',
  },
  TOO_MANY_REQUESTS: {
    class: 'ResourceExhausted',
    http: 429,
    grpc: 8,
    retryable: true,
    advice:
      'A bounded queue, or the memory, is full; nothing was applied. Retry after the time in Retry-After.',
  },
  WRITE_TIMEOUT: {
    class: 'DeadlineExceeded',
    http: 504,
    grpc: 4,
    retryable: false,
    advice: 'The outcome is unknown: the write may still happen. Repeat it with the same Idempotency-Key.',
  },
  INTERNAL: {
    class: 'Internal',
    http: 500,
    grpc: 13,
    retryable: false,
    advice: 'This is a defect; the log of the node has the details under the request id.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** An expected failure, with a code of the table. `details` is shown to the client. */
export class GrapeError extends Error {
  override readonly name = 'GrapeError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code];
  }
}

/** The replica asked does not lead the group; nothing was proposed. Never leaves the node: the service goes to `leader`. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
  /** Node id of the leader, as far as this node knows. */
  readonly leader: string | undefined;

  constructor(leader: string | undefined) {
    super(leader === undefined ? 'no leader is known' : `the leader is ${leader}`);
    this.leader = leader;
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** Anything thrown, as an `Error`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
