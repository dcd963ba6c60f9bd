import fc from 'fast-check';
import { compareInstants, parseInstant } from './instant.ts';

test.each([
  ['1970-01-01T00:00:00Z', 0, 0],
  ['1970-01-01', 0, 0],
  ['1970-01-01 00:00', 0, 0],
  ['1970-01-01T00:00:00.000000001Z', 0, 1],
  ['1970-01-01T01:00:00+01:00', 0, 0],
  ['1969-12-31t18:30:00-0530', 0, 0],
  ['1969-12-31T23:59:59.5z', -1, 500_000_000],
  ['2000-02-29T12:00:00Z', 951_825_600, 0],
  ['0000-01-01', -62_167_219_200, 0],
  ['9999-12-31T23:59:59Z', 253_402_300_799, 0],
])('%s', (text, seconds, nanos) => {
  expect(parseInstant(text)).toEqual({ seconds, nanos });
});

test.each([
  '2023-02-29',
  '2024-00-10',
  '2024-13-01',
  '2024-01-32',
  '2024-04-31',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:60:00Z',
  '2024-01-01T00:00:60Z',
  '2024-01-01T00:00:00+24:00',
  '2024-01-01T00:00:00+00:60',
  '2024-01-01T00:00:00.1234567890Z',
  '2024-01-01T',
  '24-01-01',
  'soon',
  '',
])('%j is no instant', (text) => {
  expect(parseInstant(text)).toBeUndefined();
});

test('the order of instants is that of time', () => {
  const [min, max] = ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'].map((text) => new Date(text));
  const date = fc.date({ min: min!, max: max!, noInvalidDate: true });
  fc.assert(
    fc.property(date, date, (a, b) => {
      const [x, y] = [a, b].map((one) => parseInstant(one.toISOString())!) as [never, never];
      expect(Math.sign(compareInstants(x, y))).toBe(Math.sign(a.getTime() - b.getTime()));
    }),
  );
});
