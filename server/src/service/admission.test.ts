import { Admission } from './admission.ts';

test('requests over the maximum are refused until one leaves', () => {
  const admission = new Admission({ requestsMax: 2, bodyBytesMax: 0 });
  admission.enter();
  admission.enter();
  expect(() => admission.enter()).toThrow('already works on 2 requests');
  admission.leave();
  admission.enter();
  expect(admission.requests).toBe(2);
});

test('bodies over the maximum are refused until their bytes are released', () => {
  const admission = new Admission({ requestsMax: 1, bodyBytesMax: 100 });
  admission.reserve(60);
  expect(() => admission.reserve(41)).toThrow('already holds 60 bytes');
  admission.release(60);
  admission.reserve(100);
  expect(admission.bodyBytes).toBe(100);
});
