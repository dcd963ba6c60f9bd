import fc from 'fast-check';

import { isExactInteger, JSON_DEPTH_MAX, parseJson } from './json.ts';

describe('the JSON of a request', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const exact = JSON.stringify(parseJson(Buffer.from(text)));
        expect(JSON.parse(exact)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps every digit of integers beyond 2^53 at any depth', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
        const text = `{"a":[1,{"b":${value.toString()}}],"c":0.5}`;
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
    );
  });

  it('leaves integers that a double holds, and numbers with a fraction or exponent, as numbers', () => {
    const values = parseJson(
      '[9007199254740991, -9007199254740991, 0.12345678901234567, 1e300, 9007199254740993.0]',
    );
    expect(values).toEqual([
      9007199254740991, -9007199254740991, 0.12345678901234567, 1e300, 9007199254740992,
    ]);
    expect((parseJson('[9007199254740993]') as unknown[]).map(isExactInteger)).toEqual([true]);
  });

  it('keeps a key named __proto__ as data', () => {
    const text = '{"__proto__":{"a":18446744073709551616}}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['a truncated body', '{"id":"a","vector":[0.1,0.2'],
    ['two values', '{} {}'],
    ['NaN', '{"vector":[NaN]}'],
    ['Infinity', '{"vector":[-Infinity]}'],
    ['a trailing comma', '[1,]'],
    ['a leading zero', '[01]'],
    ['single quotes', "{'a':1}"],
    ['a byte order mark', '\ufeff{}'],
    ['a raw control character', '["a\nb"]'],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => parseJson(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'INVALID_JSON' }) as Error,
    );
  });

  it.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
  ])('is refused when it holds %s', (_what, bytes) => {
    expect(() => parseJson(Buffer.from(bytes))).toThrow(/not valid UTF-8/);
  });

  it.each(['[', '{"a":'])('is refused when %p nests 10,000 or 1,000,000 deep', (open) => {
    const close = open === '[' ? ']' : '}';
    for (const depth of [10_000, 1_000_000]) {
      const text = `${open.repeat(depth)}1${close.repeat(depth)}`;
      expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'INVALID_JSON' }) as Error);
    }
  });

  it(`may nest ${String(JSON_DEPTH_MAX)} deep, beside exact integers too`, () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}18446744073709551616${']'.repeat(depth)}`;
    expect(JSON.stringify(parseJson(nested(JSON_DEPTH_MAX)))).toBe(nested(JSON_DEPTH_MAX));
    expect(() => parseJson(nested(JSON_DEPTH_MAX + 1))).toThrow(/nests deeper/);
  });

  it('is refused when it nests too deep behind an exact integer', () => {
    const text = `[18446744073709551616,${'['.repeat(10_000)}${']'.repeat(10_000)}]`;
    expect(() => parseJson(text)).toThrow(/nests deeper/);
  });

  it('does not repeat the body in the message', () => {
    expect(() => parseJson('{"password": secret}')).toThrow(
      /^the body is not valid JSON: Unexpected token 's'$/,
    );
    expect(() => parseJson('{"password": "secret"')).toThrow(
      /JSON: Expected ',' or '}' after property value .+ position 21/,
    );
  });
});
