import {
  ByteReader,
  ByteWriter,
  DecodeError,
  type ErrorCode,
  isErrorCode,
  unreachable,
} from '../base/index.ts';

/** What applying a command answers; the same on every replica. */
export type CommandResult =
  | { readonly kind: 'upserted'; readonly version: number }
  /** For each id: was there a point to delete? */
  | { readonly kind: 'deleted'; readonly deleted: readonly boolean[] }
  /** What was noted first under the name, and the log index of that entry. */
  | { readonly kind: 'noted'; readonly value: number; readonly index: number }
  /** No effect. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The entry carried no command. */
  | { readonly kind: 'none' };

const KINDS = ['upserted', 'deleted', 'refused', 'none', 'noted'] as const;

export function writeCommandResult(writer: ByteWriter, result: CommandResult): void {
  writer.u8(KINDS.indexOf(result.kind));
  switch (result.kind) {
    case 'upserted':
      writer.u53(result.version);
      break;
    case 'deleted':
      writer.u32(result.deleted.length);
      for (const deleted of result.deleted) writer.bool(deleted);
      break;
    case 'noted':
      writer.u53(result.value).u53(result.index);
      break;
    case 'refused':
      writer.text(result.code).text(result.message);
      break;
    case 'none':
      break;
    default:
      unreachable(result);
  }
}

/** Throws `DecodeError`. */
export function readCommandResult(reader: ByteReader): CommandResult {
  const kind = KINDS[reader.u8()];
  switch (kind) {
    case 'upserted':
      return { kind, version: reader.u53() };
    case 'deleted':
      return { kind, deleted: Array.from({ length: reader.u32() }, () => reader.bool()) };
    case 'refused': {
      const [code, message] = [reader.text(), reader.text()];
      return isErrorCode(code)
        ? { kind, code, message }
        : { kind, code: 'INTERNAL', message: `${code}: ${message}` };
    }
    case 'none':
      return { kind };
    case 'noted':
      return { kind, value: reader.u53(), index: reader.u53() };
    case undefined:
      throw new DecodeError('a result has a known kind');
    default:
      return unreachable(kind);
  }
}

export function encodeCommandResult(result: CommandResult): Buffer {
  const writer = new ByteWriter(16);
  writeCommandResult(writer, result);
  return writer.finish();
}

/** Throws `DecodeError`. */
export function decodeCommandResult(bytes: Buffer): CommandResult {
  const reader = new ByteReader(bytes);
  const result = readCommandResult(reader);
  reader.end();
  return result;
}
