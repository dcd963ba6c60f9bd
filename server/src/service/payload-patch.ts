import { type Clock, GrapeError, present } from '../base/index.ts';
import { patchedPayload, type PatchRequest, type PointId, pointIdText } from '../model/index.ts';
import type { PointCommand, StoredPoint } from '../shard/index.ts';
import type { PointsWriter, WriteOptions } from './points-writer.ts';
import { digestOfParts } from './retry-digest.ts';

interface PatchDeps {
  readonly clock: Clock;
  readonly writer: PointsWriter;
  /** A strong read. */
  readonly read: (id: PointId, deadlineMs: number) => Promise<StoredPoint | undefined>;
}

export interface Patched {
  readonly shard: number;
  readonly version: number;
}

/**
 * Changes keys of a point's payload: reads the point and writes it anew unless somebody else has written it meanwhile; then
 * once more. Throws NOT_FOUND, VERSION_MISMATCH when the request names a version, and what writes throw.
 */
export async function patchPayload(
  deps: PatchDeps,
  target: { readonly id: PointId; readonly collection: number; readonly shard: number },
  request: PatchRequest,
  options: WriteOptions,
): Promise<Patched> {
  const { id, collection, shard } = target;
  const digest = digestOf(id, request);
  for (;;) {
    const point = await deps.read(id, options.deadlineMs);
    if (point === undefined && options.retry === undefined) throw notFound(id);
    const command =
      // A repetition may find the point gone: what it is answered is what the shard remembers.
      point === undefined
        ? ({ kind: 'note', collection, value: 0 } as const)
        : overwrite(collection, point, request);
    try {
      const [entry] = await deps.writer.write([{ shard, command }], options, digest);
      const { result } = present(entry, 'the entry of a patch');
      if (result.kind === 'upserted') return { shard, version: result.version };
      throw notFound(id);
    } catch (error) {
      const isOvertaken = error instanceof GrapeError && error.code === 'VERSION_MISMATCH';
      if (!isOvertaken || request.ifVersion !== undefined) throw error;
      if (deps.clock.nowMs() >= options.deadlineMs)
        throw new GrapeError('SHARD_UNAVAILABLE', 'others kept writing the point; nothing was written');
    }
  }
}

function overwrite(collection: number, point: StoredPoint, request: PatchRequest): PointCommand {
  const { idKey, isInteger, vector, version } = point;
  const payload = patchedPayload(point.payload, request);
  return {
    kind: 'upsert',
    collection,
    points: [{ id: { key: idKey, isInteger }, vector, payload }],
    ifVersion: request.ifVersion ?? version,
  };
}

function digestOf(id: PointId, { set, unset, ifVersion }: PatchRequest): Buffer {
  return digestOfParts('patch', id.key, set, JSON.stringify([unset, ifVersion ?? null]));
}

function notFound(id: PointId): GrapeError {
  return new GrapeError('NOT_FOUND', `there is no point ${JSON.stringify(pointIdText(id.key))}`);
}
