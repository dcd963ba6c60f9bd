import { ByteReader, ByteWriter, DecodeError, GrapeError, isErrorCode, unreachable } from '../base/index.ts';
import { type CommandResult, readCommandResult, writeCommandResult } from '../shard/index.ts';

/** What became of one log entry on the node that was asked to propose it. */
export type EntryOutcome =
  | { readonly kind: 'committed'; readonly index: number; readonly result: CommandResult }
  /** Surely not applied, now or later: another node, or this one later, may take it. */
  | { readonly kind: 'reroute'; readonly reason: string; readonly leader?: string }
  /** Surely not applied, now or later. */
  | { readonly kind: 'refused'; readonly error: GrapeError }
  /** It may be applied, now or later. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface ProposeRequest {
  readonly group: number;
  /** How long the caller still waits. */
  readonly budgetMs: number;
  readonly command: Buffer;
}

export function encodeProposeRequest(request: ProposeRequest): Buffer {
  return new ByteWriter(request.command.length + 16)
    .u16(request.group)
    .f64(request.budgetMs)
    .bytes(request.command)
    .finish();
}

export function decodeProposeRequest(body: Buffer): ProposeRequest {
  const reader = new ByteReader(body);
  const request = { group: reader.u16(), budgetMs: reader.f64(), command: reader.bytes() };
  reader.end();
  return request;
}

const OUTCOMES = ['committed', 'reroute', 'refused', 'unknown'] as const;

export function encodeOutcome(outcome: EntryOutcome): Buffer {
  const writer = new ByteWriter(64).u8(OUTCOMES.indexOf(outcome.kind));
  switch (outcome.kind) {
    case 'committed':
      writer.u53(outcome.index);
      writeCommandResult(writer, outcome.result);
      break;
    case 'reroute':
      writer.text(outcome.reason).text(outcome.leader ?? '');
      break;
    case 'refused':
      writer.text(outcome.error.code).text(outcome.error.message);
      break;
    case 'unknown':
      writer.text(outcome.reason);
      break;
    default:
      unreachable(outcome);
  }
  return writer.finish();
}

export function decodeOutcome(body: Buffer): EntryOutcome {
  const reader = new ByteReader(body);
  const outcome = readOutcome(reader);
  reader.end();
  return outcome;
}

function readOutcome(reader: ByteReader): EntryOutcome {
  const kind = OUTCOMES[reader.u8()];
  switch (kind) {
    case 'committed':
      return { kind, index: reader.u53(), result: readCommandResult(reader) };
    case 'reroute': {
      const reason = reader.text();
      const leader = reader.text();
      return { kind, reason, ...(leader !== '' && { leader }) };
    }
    case 'refused':
      return { kind, error: readError(reader) };
    case 'unknown':
      return { kind, reason: reader.text() };
    case undefined:
      throw new DecodeError('an outcome has a known kind');
    default:
      return unreachable(kind);
  }
}

function readError(reader: ByteReader): GrapeError {
  const code = reader.text();
  const message = reader.text();
  return isErrorCode(code)
    ? new GrapeError(code, message)
    : new GrapeError('INTERNAL', `${code}: ${message}`);
}
