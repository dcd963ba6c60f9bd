import { crc32c, hash64 } from './hash.ts';

test('CRC-32C matches the check value of RFC 3720 and can be continued', () => {
  const bytes = Buffer.from('123456789');
  expect(crc32c(bytes)).toBe(0xe3069283);
  expect(crc32c(bytes.subarray(4), crc32c(bytes.subarray(0, 4)))).toBe(0xe3069283);
});

test('XXH64 matches its published value for the empty input and for "a"', () => {
  expect(hash64(Buffer.alloc(0))).toBe(0xef46db3751d8e999n);
  expect(hash64(Buffer.from('a'))).toBe(0xd24ec4f1a98c6e5bn);
});
