import { isUtf8 } from 'node:buffer';

import { asError, GrapeError } from '../base/index.ts';

/** Deepest nesting of arrays and objects in a request body; a payload inside it may nest `PAYLOAD_DEPTH_MAX` deep. */
export const JSON_DEPTH_MAX = 160;

/** An integer beyond 2^53 as it was written; `JSON.stringify` writes the same digits again. */
export interface ExactInteger {
  readonly rawJSON: string;
}

interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): ExactInteger;
  isRawJSON(value: unknown): value is ExactInteger;
}

/** The part of ECMAScript 2026 that the compiler's library does not describe yet. */
const exactJson = JSON as unknown as ExactJson;

/**
 * One JSON value. Integers that a double cannot hold come back as `ExactInteger`, so that ids and payloads keep every
 * digit. The result is meant for the thread that parsed it: structured cloning turns an `ExactInteger` into an object.
 * Throws INVALID_JSON: not UTF-8, not JSON, or nested deeper than `JSON_DEPTH_MAX`.
 */
export function parseJson(text: Buffer | string): unknown {
  if (typeof text !== 'string' && !isUtf8(text))
    throw new GrapeError('INVALID_JSON', 'the body is not valid UTF-8');
  const source = typeof text === 'string' ? text : text.toString('utf8');
  const value = parsed(source);
  return hasUnsafeNumber(value, 1) ? parsedExactly(source) : value;
}

export function isExactInteger(value: unknown): value is ExactInteger {
  return exactJson.isRawJSON(value);
}

function parsed(source: string): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch (error) {
    throw new GrapeError('INVALID_JSON', `the body is not valid JSON: ${reason(error)}`);
  }
}

/** The engine's message without the piece of the body that it may quote. */
function reason(error: unknown): string {
  const message = asError(error).message;
  const token = /^Unexpected token '.{1,2}'/su.exec(message);
  return token === null ? message : token[0];
}

/** Most bodies have no such number, and the walk is far cheaper than a reviver called for every value. */
function hasUnsafeNumber(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return false;
  if (depth > JSON_DEPTH_MAX) {
    throw new GrapeError('INVALID_JSON', `the body nests deeper than ${JSON_DEPTH_MAX} levels`);
  }
  // No early return: the depth of everything is checked, whatever was found before.
  let found = false;
  if (Array.isArray(value)) {
    // A vector has hundreds of them: no call for each.
    for (const item of value as readonly unknown[]) {
      if (typeof item === 'number') found ||= !(Math.abs(item) <= Number.MAX_SAFE_INTEGER);
      else found = hasUnsafeNumber(item, depth + 1) || found;
    }
  } else {
    for (const key in value)
      found = hasUnsafeNumber((value as Record<string, unknown>)[key], depth + 1) || found;
  }
  return found;
}

function parsedExactly(source: string): unknown {
  return exactJson.parse(source, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    const digits = context.source;
    return digits !== undefined && /^-?\d+$/.test(digits) ? exactJson.rawJSON(digits) : value;
  });
}
