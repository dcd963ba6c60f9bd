import fc from 'fast-check';

import { parseJson } from './json.ts';
import { parsePayload, PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX } from './payload.ts';

const refused = expect.objectContaining({ code: 'INVALID_PAYLOAD' }) as Error;
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('a payload', () => {
  it('is kept as the JSON that was sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        expect(parsePayload(parseJson(text), 'payload').toString()).toBe(text);
      }),
    );
  });

  it('keeps every digit of integers and the escapes of lone surrogates', () => {
    const text = '{"n":123456789012345678901234567890,"s":"\\ud800","__proto__":null}';
    expect(parsePayload(parseJson(text), 'payload').toString()).toBe(text);
  });

  it('is an empty object when absent', () => {
    expect(parsePayload(undefined, 'payload').toString()).toBe('{}');
  });

  it.each([null, [], 'text', 1, true])('is refused when it is %p', (value) => {
    expect(() => parsePayload(value, 'payload')).toThrow(refused);
  });

  it('may have 1 MiB of JSON and not a byte more', () => {
    const filled = (bytes: number): unknown => ({ t: 'x'.repeat(bytes - '{"t":""}'.length) });
    expect(parsePayload(filled(PAYLOAD_BYTES_MAX), 'payload')).toHaveLength(PAYLOAD_BYTES_MAX);
    expect(() => parsePayload(filled(PAYLOAD_BYTES_MAX + 1), 'payload')).toThrow(refused);
  });

  it('may nest 128 levels and not one more', () => {
    expect(parsePayload(parseJson(nested(PAYLOAD_DEPTH_MAX)), 'p').toString()).toBe(
      nested(PAYLOAD_DEPTH_MAX),
    );
    expect(() => parsePayload(parseJson(nested(PAYLOAD_DEPTH_MAX + 1)), 'p')).toThrow(refused);
  });

  it('refuses a number that JSON.stringify would turn into null', () => {
    expect(() => parsePayload(parseJson('{"a":[{"b":1e999}]}'), 'points[1].payload')).toThrow(
      'points[1].payload has a number beyond the range of a double',
    );
  });
});
