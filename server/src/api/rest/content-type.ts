import type { IncomingHttpHeaders } from 'node:http';

import { GrapeError } from '../../base/index.ts';

/** A search as raw little-endian float32 values; its parameters are in the query string. */
const F32_TYPE = 'application/x-grape-f32';

/** curl says the second one when nobody tells it what it sends, and older scripts say nothing at all. */
const JSON_TYPES = new Set(['', 'application/json', 'application/x-www-form-urlencoded']);

export type BodyFormat = 'json' | 'f32';

/** Throws UNSUPPORTED_MEDIA_TYPE; `f32` only where `allowsF32`. */
export function bodyFormat(headers: IncomingHttpHeaders, allowsF32: boolean): BodyFormat {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new GrapeError('UNSUPPORTED_MEDIA_TYPE', `content-encoding ${shown(encoding)} is not supported`);
  }
  const header = headers['content-type'] ?? '';
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  if (type === F32_TYPE && allowsF32) return 'f32';
  if (!JSON_TYPES.has(type) || !parameters.every(isUtf8Parameter)) {
    throw new GrapeError('UNSUPPORTED_MEDIA_TYPE', `content-type ${shown(header)} is not JSON in UTF-8`);
  }
  return 'json';
}

function isUtf8Parameter(parameter: string): boolean {
  const [name, value] = parameter.split('=', 2);
  return name !== 'charset' || value === 'utf-8' || value === '"utf-8"' || value === 'utf8';
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}
