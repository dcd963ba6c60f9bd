import { addFieldValues } from './fields/field-feed.ts';
import type { FieldSpec } from './fields/field-spec.ts';
import type { JournalRow } from './journal.ts';
import type { CollectionSlice } from './keys.ts';
import type { PointStore } from './point-store.ts';
import type { StoredPoint } from './stored-point.ts';
import type { VectorIndex, VectorIndexes } from './vector-index-port.ts';

/** Points that a replay has in memory at one time. */
const REPLAY_POINTS_MAX = 256;

/** Where a catch-up reads and what it feeds. */
export interface Sink {
  readonly index: VectorIndex;
  readonly indexes: VectorIndexes;
  readonly store: PointStore;
  /** Fields of the payloads that the index keeps, also those that it does not have of all points yet. */
  readonly fields: () => readonly FieldSpec[];
  /** The work ends with its reason. */
  readonly signal: AbortSignal;
  /** Settles when more points of a scan may come: what is filled beside everything else does not hurry. */
  readonly pace: (() => Promise<void>) | undefined;
}

/** Replaces everything that the index holds of a shard by the points of the store; answers the number of changes. */
export async function readAnew(
  sink: Sink,
  slice: CollectionSlice,
  chunks: AsyncIterable<StoredPoint[]>,
): Promise<number> {
  let changes = 0;
  const drop = sink.indexes.batch();
  drop.dropShard(slice.shard);
  await sink.index.apply(drop);
  for await (const points of chunks) {
    sink.signal.throwIfAborted();
    const batch = sink.indexes.batch();
    for (const { idKey: id, version, vector, payload, isInteger } of points) {
      const address = { shard: slice.shard, generation: slice.generation, version, id };
      batch.upsert({ ...address, isInteger, vector });
      addFieldValues(batch, sink.fields(), { ...address, payload });
    }
    await sink.index.apply(batch);
    changes += points.length;
    await sink.pace?.();
  }
  return changes;
}

/**
 * Brings every point that the rows name to what the store has now, which may be newer than the row; then a later row
 * says the same again. Answers the number of changes.
 */
export async function replay(
  sink: Sink,
  slice: CollectionSlice,
  chunks: AsyncIterable<JournalRow[]>,
): Promise<number> {
  let changes = 0;
  for await (const rows of chunks) {
    const named = lastMentions(rows, slice.collection);
    for (let at = 0; at < named.length; at += REPLAY_POINTS_MAX) {
      sink.signal.throwIfAborted();
      await bringToStore(sink, slice, named.slice(at, at + REPLAY_POINTS_MAX));
    }
    changes += named.length;
  }
  return changes;
}

interface Mention {
  readonly idKey: Buffer;
  /** Of the last row that names the point. */
  readonly index: number;
}

function lastMentions(rows: readonly JournalRow[], collection: number): Mention[] {
  const mentions = new Map<string, Mention>();
  for (const { index, collection: named, idKeys } of rows) {
    if (named !== collection) continue;
    for (const idKey of idKeys) mentions.set(idKey.toString('latin1'), { idKey, index });
  }
  return [...mentions.values()];
}

async function bringToStore(sink: Sink, slice: CollectionSlice, mentions: readonly Mention[]): Promise<void> {
  const { shard, generation } = slice;
  const points = await sink.store.getMany(mentions.map(({ idKey }) => ({ ...slice, idKey })));
  const batch = sink.indexes.batch();
  mentions.forEach(({ idKey: id, index }, position) => {
    const point = points[position];
    if (point === undefined) batch.remove({ shard, generation, version: index, id });
    else {
      const address = { shard, generation, version: point.version, id };
      batch.upsert({ ...address, isInteger: point.isInteger, vector: point.vector });
      addFieldValues(batch, sink.fields(), { ...address, payload: point.payload });
    }
  });
  await sink.index.apply(batch);
}
