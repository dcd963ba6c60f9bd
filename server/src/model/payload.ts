import { GrapeError } from '../base/index.ts';

/** Longest payload, in bytes of its JSON text. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

/** Deepest nesting of arrays and objects in a payload; the payload itself is level 1. */
export const PAYLOAD_DEPTH_MAX = 128;

const EMPTY = Buffer.from('{}');

/**
 * A payload as compact JSON text in UTF-8; integers keep every digit. Absent is `{}`. Throws INVALID_PAYLOAD: not an
 * object, too long, nested too deeply, or with a number beyond the range of a double.
 */
export function parsePayload(value: unknown, path: string): Buffer {
  if (value === undefined) return EMPTY;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GrapeError('INVALID_PAYLOAD', `${path} must be a JSON object`);
  }
  checkValue(value, path, 1);
  const payload = Buffer.from(JSON.stringify(value));
  if (payload.length > PAYLOAD_BYTES_MAX) {
    const message = `${path} has ${payload.length} bytes of JSON, at most ${PAYLOAD_BYTES_MAX} are allowed`;
    throw new GrapeError('INVALID_PAYLOAD', message);
  }
  return payload;
}

function checkValue(value: unknown, path: string, depth: number): void {
  if (typeof value === 'number') {
    // JSON.parse makes Infinity of 1e999, and JSON.stringify would store it as null.
    if (!Number.isFinite(value))
      throw new GrapeError('INVALID_PAYLOAD', `${path} has a number beyond the range of a double`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth > PAYLOAD_DEPTH_MAX) {
    throw new GrapeError('INVALID_PAYLOAD', `${path} nests deeper than ${PAYLOAD_DEPTH_MAX} levels`);
  }
  for (const key in value) checkValue((value as Record<string, unknown>)[key], path, depth + 1);
}
