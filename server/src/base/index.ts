export { Abandonment } from './abandonment.ts';
export { BoundedQueue } from './bounded-queue.ts';
export { Breather } from './breather.ts';
export { type Clock, FakeClock, systemClock, type Timer } from './clock.ts';
export { ByteReader, ByteWriter, DecodeError } from './codec.ts';
export {
  asError,
  ERRORS,
  type ErrorClass,
  type ErrorCode,
  GrapeError,
  isErrorCode,
  NotLeaderError,
} from './errors.ts';
export { crc32c, hash64 } from './hash.ts';
export { invariant, InvariantError, present, unreachable } from './invariant.ts';
export { pause } from './pause.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
