import { retryNameOf } from './retry-headers.ts';

test('a key, a client with its sequence, or nothing', () => {
  expect(retryNameOf({})).toBeUndefined();
  expect(retryNameOf({ 'idempotency-key': 'order-17' })).toEqual({
    scope: 'key',
    name: Buffer.from('order-17'),
    sequence: 0,
  });
  expect(retryNameOf({ 'x-grape-client-id': 'worker-3', 'x-grape-sequence': '9007199254740991' })).toEqual({
    scope: 'client',
    name: Buffer.from('worker-3'),
    sequence: 9_007_199_254_740_991,
  });
});

test.each([
  [{ 'idempotency-key': '' }, 'Idempotency-Key must be 1 to 255 visible ASCII characters'],
  [{ 'idempotency-key': 'two words' }, 'Idempotency-Key must be'],
  [{ 'idempotency-key': 'ü' }, 'Idempotency-Key must be'],
  [{ 'idempotency-key': 'x'.repeat(256) }, 'Idempotency-Key must be'],
  [{ 'x-grape-client-id': '', 'x-grape-sequence': '1' }, 'X-Grape-Client-Id must be'],
  [{ 'x-grape-client-id': 'c' }, 'belong together'],
  [{ 'x-grape-sequence': '1' }, 'belong together'],
  [
    { 'x-grape-client-id': 'c', 'x-grape-sequence': '01' },
    'X-Grape-Sequence must be an integer from 0 to 2^53-1',
  ],
  [{ 'x-grape-client-id': 'c', 'x-grape-sequence': '-1' }, 'X-Grape-Sequence must be'],
  [{ 'x-grape-client-id': 'c', 'x-grape-sequence': '1e3' }, 'X-Grape-Sequence must be'],
  [{ 'x-grape-client-id': 'c', 'x-grape-sequence': '9007199254740992' }, 'X-Grape-Sequence must be'],
  [{ 'idempotency-key': 'k', 'x-grape-client-id': 'c', 'x-grape-sequence': '1' }, 'send either'],
])('%j is refused', (headers, message) => {
  expect(() => retryNameOf(headers)).toThrow(message);
});
