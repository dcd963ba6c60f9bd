import type { IncomingHttpHeaders } from 'node:http';

import { GrapeError } from '../../base/index.ts';
import type { RetryName } from '../../service/index.ts';

const NAME_BYTES_MAX = 255;
/** Visible ASCII: what every proxy passes on unchanged. */
const NAME = /^[\x21-\x7e]+$/;
const SEQUENCE = /^(0|[1-9][0-9]*)$/;

/**
 * What a write calls itself: `Idempotency-Key`, or `X-Grape-Client-Id` with `X-Grape-Sequence`; undefined without them.
 * Throws INVALID_REQUEST.
 */
export function retryNameOf(headers: IncomingHttpHeaders): RetryName | undefined {
  const [key, client, sequence] = ['idempotency-key', 'x-grape-client-id', 'x-grape-sequence'].map(
    (name) => headers[name] as string | undefined,
  );
  if (client === undefined && sequence === undefined) {
    return key === undefined
      ? undefined
      : { scope: 'key', name: nameOf('Idempotency-Key', key), sequence: 0 };
  }
  if (key !== undefined)
    throw invalid('send either Idempotency-Key or X-Grape-Client-Id with X-Grape-Sequence');
  if (client === undefined || sequence === undefined)
    throw invalid('X-Grape-Client-Id and X-Grape-Sequence belong together');
  return {
    scope: 'client',
    name: nameOf('X-Grape-Client-Id', client),
    sequence: sequenceOf(sequence),
  };
}

function nameOf(header: string, value: string): Buffer {
  if (value.length > NAME_BYTES_MAX || !NAME.test(value))
    throw invalid(`${header} must be 1 to ${NAME_BYTES_MAX} visible ASCII characters`);
  return Buffer.from(value, 'latin1');
}

function sequenceOf(value: string): number {
  const sequence = SEQUENCE.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(sequence)) return sequence;
  throw invalid('X-Grape-Sequence must be an integer from 0 to 2^53-1');
}

function invalid(message: string): GrapeError {
  return new GrapeError('INVALID_REQUEST', message);
}
