import { GrapeError } from '../../base/index.ts';

/** `key`: of an object. `all`: every element of an array. `index`: one element, from 0. */
export type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'index'; readonly index: number };

/** Where in a payload a field is. */
export interface FieldPath {
  /** As it was written. */
  readonly text: string;
  readonly steps: readonly Step[];
}

const PATH_CHARS_MAX = 512;
const STEPS_MAX = 32;
/** A name, or any text in quotes; then `[]` or `[3]`, any number of times. */
const PIECE = /(?:"((?:[^"\\]|\\["\\])+)"|([^".[\]]+))((?:\[\d{0,9}\])*)(\.|$)/y;

/**
 * `name`, `address.city`, `tags[]`, `places[].name`, `rows[0]`, `"a.b"."c\"d"`. `place` names it in the message. Throws
 * INVALID_FILTER.
 */
export function parseFieldPath(value: unknown, place: string): FieldPath {
  if (typeof value !== 'string' || value.length === 0 || value.length > PATH_CHARS_MAX) {
    throw new GrapeError('INVALID_FILTER', `${place} must be a path of 1 to ${PATH_CHARS_MAX} characters`);
  }
  const steps: Step[] = [];
  PIECE.lastIndex = 0;
  for (let at = 0, isOpen = true; isOpen; at = PIECE.lastIndex) {
    const piece = PIECE.exec(value);
    if (piece === null) {
      throw new GrapeError(
        'INVALID_FILTER',
        `${place} is not a path at character ${at + 1}: write a.b, a[], a[0] or "a.b"`,
      );
    }
    const [, quoted, plain, brackets = '', end] = piece;
    steps.push({ kind: 'key', key: plain ?? (quoted as string).replaceAll(/\\(.)/g, '$1') });
    for (const [, digits = ''] of brackets.matchAll(/\[(\d*)\]/g)) {
      steps.push(digits === '' ? { kind: 'all' } : { kind: 'index', index: Number(digits) });
    }
    isOpen = end === '.';
  }
  if (steps.length > STEPS_MAX)
    throw new GrapeError('INVALID_FILTER', `${place} has more than ${STEPS_MAX} steps`);
  return { text: value, steps };
}
