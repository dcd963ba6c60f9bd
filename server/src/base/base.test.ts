import { BoundedQueue } from './bounded-queue.ts';
import { FakeClock } from './clock.ts';
import { ByteReader, ByteWriter, DecodeError } from './codec.ts';
import { ERRORS, GrapeError } from './errors.ts';
import { invariant, InvariantError } from './invariant.ts';
import { seededRandom } from './random.ts';

test('a broken invariant names what was expected and the values', () => {
  expect(() => invariant(false, 'applied is within the log', { applied: 5, last: 4n })).toThrow(
    /applied is within the log \{"applied":5,"last":"4"\}/,
  );
  expect(() => invariant(true, 'fine')).not.toThrow();
  expect(() => invariant(undefined, 'present')).toThrow(InvariantError);
});

test('the codec brings back every field and refuses to read past the end or to leave bytes over', () => {
  const bytes = new ByteWriter(1)
    .u8(255)
    .bool(true)
    .u16(65_535)
    .u32(4_294_967_295)
    .u53(2 ** 53 - 1)
    .f64(-0.5)
    .bytes(Buffer.from([1, 2]))
    .text('grüße')
    .finish();
  const reader = new ByteReader(bytes);
  expect([reader.u8(), reader.bool(), reader.u16(), reader.u32(), reader.u53(), reader.f64()]).toEqual([
    255,
    true,
    65_535,
    4_294_967_295,
    2 ** 53 - 1,
    -0.5,
  ]);
  expect(() => reader.end()).toThrow(DecodeError);
  expect(reader.bytes()).toEqual(Buffer.from([1, 2]));
  expect(reader.text()).toBe('grüße');
  reader.end();
  expect(() => reader.u8()).toThrow(DecodeError);
  expect(() => new ByteReader(Buffer.alloc(8, 0xff)).u53()).toThrow(DecodeError);
  expect(() => new ByteWriter().u53(2 ** 53)).toThrow(InvariantError);
});

test('a bounded queue keeps order and refuses what exceeds its items or its weight', () => {
  const queue = new BoundedQueue<string>({ itemsMax: 3, weightMax: 5, weigh: (item) => item.length });
  expect([queue.push('aa'), queue.push('bb'), queue.push('cc'), queue.push('d'), queue.push('')]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  expect(queue.shift()).toBe('aa');
  expect(queue.weight).toBe(3);
  expect(queue.drain()).toEqual(['bb', 'd']);
  expect([queue.length, queue.weight, queue.shift()]).toEqual([0, 0, undefined]);
});

test('a bounded queue stays in order over many rounds', () => {
  const queue = new BoundedQueue<number>({ itemsMax: 10_000 });
  const seen: number[] = [];
  for (let i = 0; i < 9_000; i += 1) {
    queue.push(i);
    if (i % 3 !== 0) seen.push(queue.shift() as number);
  }
  expect([...seen, ...queue.drain()]).toEqual(Array.from({ length: 9_000 }, (_, i) => i));
});

test('a fake clock fires timers in order of their time and repeats periodic ones', () => {
  const clock = new FakeClock();
  const fired: string[] = [];
  clock.after(20, () => fired.push('after 20'));
  const every = clock.every(8, () => fired.push(`every at ${clock.nowMs()}`));
  clock.advance(20);
  every.cancel();
  clock.advance(100);
  expect(fired).toEqual(['every at 8', 'every at 16', 'after 20']);
});

test('the same seed gives the same numbers, uniform enough to use', () => {
  const a = seededRandom(42);
  const b = seededRandom(42);
  const values = Array.from({ length: 10_000 }, () => a.next());
  expect(values).toEqual(Array.from({ length: 10_000 }, () => b.next()));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
});

test('every error of the table has a status that fits its class, and only unavailable ones are retryable', () => {
  for (const [code, spec] of Object.entries(ERRORS)) {
    expect([code, spec.http >= 400 && spec.http < 600]).toEqual([code, true]);
    const mayRetry = ['Unavailable', 'ResourceExhausted'].includes(spec.class);
    expect([code, spec.retryable]).toEqual([code, mayRetry]);
  }
  expect(new GrapeError('NOT_FOUND', 'no such point').spec.http).toBe(404);
});
