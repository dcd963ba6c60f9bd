import { unreachable } from '../../base/index.ts';
import {
  type CountRequest,
  type DeleteRequest,
  type ParseContext,
  parsePatch,
  type PatchRequest,
  parseCount,
  parseDelete,
  parseJson,
  parseScroll,
  parseSearch,
  parseSearchBatch,
  parseUpsert,
  type ScrollRequest,
  type SearchRequest,
  type UpsertRequest,
} from '../../model/index.ts';

/** The validated request of each kind of body. */
export interface ParsedBodies {
  readonly upsert: UpsertRequest;
  readonly delete: DeleteRequest;
  readonly patch: PatchRequest;
  readonly search: SearchRequest;
  readonly search_batch: readonly SearchRequest[];
  readonly scroll: ScrollRequest;
  readonly count: CountRequest;
}

export type BodyKind = keyof ParsedBodies;

export type ParsedBody = {
  readonly [K in BodyKind]: { readonly kind: K; readonly request: ParsedBodies[K] };
}[BodyKind];

/** Parses and validates; throws the `GrapeError` that names what is wrong. An empty body is an absent one. */
export function parseBody(kind: BodyKind, bytes: Buffer, context: ParseContext): ParsedBody {
  const isOptional = kind === 'scroll' || kind === 'count';
  return validateBody(kind, bytes.length === 0 && isOptional ? undefined : parseJson(bytes), context);
}

/** Validates what is no text any more. */
export function validateBody(kind: BodyKind, value: unknown, context: ParseContext): ParsedBody {
  switch (kind) {
    case 'upsert':
      return { kind, request: parseUpsert(value, context) };
    case 'delete':
      return { kind, request: parseDelete(value) };
    case 'patch':
      return { kind, request: parsePatch(value) };
    case 'search':
      return { kind, request: parseSearch(value, context) };
    case 'search_batch':
      return { kind, request: parseSearchBatch(value, context) };
    case 'scroll':
      return { kind, request: parseScroll(value) };
    case 'count':
      return { kind, request: parseCount(value) };
    default:
      return unreachable(kind);
  }
}
