import { ERRORS, GrapeError, isErrorCode, NotLeaderError } from '../base/index.ts';

/**
 * What a failed attempt on one node means.
 * - `reroute`: surely nothing happened; another node, or the same one later, may do it. `leader` is a hint.
 * - `refused`: surely nothing happened, and no other node would answer otherwise.
 * - `unknown`: the request may have been carried out.
 */
export type Failure =
  | { readonly kind: 'reroute'; readonly reason: string; readonly leader?: string }
  | { readonly kind: 'refused'; readonly error: GrapeError }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Never swallows a defect: what is no expected failure is thrown again. */
export function classifyFailure(thrown: unknown): Failure {
  if (thrown instanceof NotLeaderError) {
    return {
      kind: 'reroute',
      reason: thrown.message,
      ...(thrown.leader !== undefined && { leader: thrown.leader }),
    };
  }
  if (!(thrown instanceof Error)) throw new Error(`thrown: ${String(thrown)}`);
  if ('sent' in thrown && typeof thrown.sent === 'boolean') {
    return { kind: thrown.sent ? 'unknown' : 'reroute', reason: thrown.message };
  }
  const coded = codedError(thrown);
  if (coded === undefined) throw thrown;
  return classifyCode(coded);
}

function classifyCode(error: GrapeError): Failure {
  if (error.code === 'WRITE_TIMEOUT' || error.code === 'INTERNAL')
    return { kind: 'unknown', reason: error.message };
  if (ERRORS[error.code].class !== 'Unavailable') return { kind: 'refused', error };
  const leader = error.details?.['leader'];
  return { kind: 'reroute', reason: error.message, ...(typeof leader === 'string' && { leader }) };
}

/** The coded error in `thrown`: its own, or one that crossed the wire as `{ code, message, details }`. */
function codedError(thrown: Error): GrapeError | undefined {
  if (thrown instanceof GrapeError) return thrown;
  if (!('code' in thrown) || typeof thrown.code !== 'string' || !isErrorCode(thrown.code)) return undefined;
  const details = 'details' in thrown ? thrown.details : undefined;
  const known =
    typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : undefined;
  return new GrapeError(thrown.code, thrown.message, known);
}
