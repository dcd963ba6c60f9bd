import type { ErrorCode } from '../../base/index.ts';
import type { ParseContext } from '../../model/index.ts';
import type { BodyKind } from './parsed-body.ts';

/** What the main thread sends to the parsing thread; the bytes move, they are not copied. */
export interface ParseJob {
  readonly kind: BodyKind;
  readonly bytes: Uint8Array;
  readonly context: ParseContext;
}

export type ParseReply =
  | { readonly ok: true; /** What `encodeParsed` made. */ readonly block: Uint8Array }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>> | undefined;
    };
