import { type ByteReader, type ByteWriter, DecodeError } from '../base/index.ts';
import type { Consistency } from '../model/index.ts';

/** `applied`: the state as it is, for a read that follows one on the same node. */
export type ReadPoint = Consistency | 'applied';

/** Which shards one node reads, from which point on, and until when its caller waits. */
export interface ReadScope {
  readonly consistency: ReadPoint;
  readonly shards: readonly number[];
  /** Until when the read point must be reached (`Clock.nowMs`); then another replica is asked. */
  readonly pointDeadlineMs: number;
  readonly deadlineMs: number;
}

/** What one node read. */
export interface Read<T> {
  readonly value: T;
  /** How long ago a leader of the stalest shard was heard; 0 unless the read was eventual. */
  readonly stalenessMs: number;
}

const POINTS = ['strong', 'leader', 'eventual', 'applied'] as const satisfies readonly ReadPoint[];

/** Deadlines cross the wire as time left: nodes share no clock. */
export function writeScope(writer: ByteWriter, scope: ReadScope, nowMs: number): ByteWriter {
  writer.u8(POINTS.indexOf(scope.consistency));
  writer.f64(scope.pointDeadlineMs - nowMs).f64(scope.deadlineMs - nowMs);
  writer.u16(scope.shards.length);
  for (const shard of scope.shards) writer.u16(shard);
  return writer;
}

export function readScope(reader: ByteReader, nowMs: number): ReadScope {
  const consistency = POINTS[reader.u8()];
  if (consistency === undefined) throw new DecodeError('a read has a known consistency');
  const pointDeadlineMs = nowMs + reader.f64();
  const deadlineMs = nowMs + reader.f64();
  const shards = Array.from({ length: reader.u16() }, () => reader.u16());
  return { consistency, shards, pointDeadlineMs, deadlineMs };
}
