import {
  asError,
  ByteReader,
  ByteWriter,
  type ErrorCode,
  GrapeError,
  isErrorCode,
  NotLeaderError,
} from '../../base/index.ts';

/** No answer came: the peer is not connected, the connection broke, or time ran out. */
export class PeerUnavailableError extends Error {
  override readonly name = 'PeerUnavailableError';
  /** False: the request surely did not arrive. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean) {
    super(message);
    this.sent = sent;
  }
}

/** The peer's handler failed with a coded error. A `NotLeaderError` crosses as itself. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

const STATUS = { coded: 1, notLeader: 2 } as const;

/** Anything a handler threw, as bytes. What is not a coded error becomes INTERNAL without its text. */
export function encodeError(thrown: unknown): Buffer {
  if (thrown instanceof NotLeaderError) {
    const hasLeader = thrown.leader !== undefined;
    return new ByteWriter()
      .u8(STATUS.notLeader)
      .bool(hasLeader)
      .text(thrown.leader ?? '')
      .finish();
  }
  const { code, message, details } = coded(thrown);
  const writer = new ByteWriter().u8(STATUS.coded).text(code).text(message);
  return writer.text(details === undefined ? '' : JSON.stringify(details)).finish();
}

/** Throws `DecodeError`. */
export function decodeError(bytes: Buffer): RemoteError | NotLeaderError {
  const reader = new ByteReader(bytes);
  if (reader.u8() === STATUS.notLeader) {
    const hasLeader = reader.bool();
    const leader = reader.text();
    return new NotLeaderError(hasLeader ? leader : undefined);
  }
  const code = reader.text();
  const message = reader.text();
  const details = parseDetails(reader.text());
  return new RemoteError(isErrorCode(code) ? code : 'INTERNAL', message, details);
}

function coded(thrown: unknown): Pick<RemoteError, 'code' | 'message' | 'details'> {
  if (thrown instanceof GrapeError || thrown instanceof RemoteError) return thrown;
  return { code: 'INTERNAL', message: 'the peer failed to handle the request', details: undefined };
}

function parseDetails(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text === '') return undefined;
  try {
    const details: unknown = JSON.parse(text);
    return typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : undefined;
  } catch (error) {
    return { unreadable: asError(error).message };
  }
}
