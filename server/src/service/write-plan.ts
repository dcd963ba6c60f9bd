import { GrapeError, present } from '../base/index.ts';
import type { CollectionSchema, DeleteByIds, PointWrite, UpsertRequest } from '../model/index.ts';
import {
  type Command,
  COMMAND_BYTES_MAX,
  COMMAND_HEADER_BYTES,
  COMMAND_POINTS_MAX,
  commandPointBytes,
  type PointCommand,
  shardOf,
  type StoredPoint,
} from '../shard/index.ts';

/** One log entry of a write. */
export interface PlannedEntry<C extends Command = PointCommand> {
  readonly shard: number;
  readonly command: C;
  /** Its number in the write; its place in the plan by default. */
  readonly chunk?: number;
}

/** What an id adds to an encoded delete beside its bytes: its length, and a version. */
const ID_OVERHEAD_BYTES = 10;

/**
 * Splits an upsert by shard into log entries of at most `COMMAND_POINTS_MAX` points and `COMMAND_BYTES_MAX` bytes; a
 * point that is larger alone is its own entry. Ascending by shard. Throws DIMENSION_MISMATCH before anything is sent.
 */
export function planUpsert(
  { points, ifVersion }: Pick<UpsertRequest, 'points' | 'ifVersion'>,
  schema: CollectionSchema,
  shardCount: number,
): readonly PlannedEntry[] {
  for (const point of points) checkDimension(point, schema);
  return planned({
    items: points,
    shardOfItem: (point) => shardOf(schema.id, point.id.key, shardCount),
    bytesOf: commandPointBytes,
    commandOf: (some) => ({ kind: 'upsert', collection: schema.id, points: some, ...conditionOf(ifVersion) }),
  });
}

/** Splits a delete by shard, by the same limits. */
export function planDelete(
  { ids, ifVersion }: Pick<DeleteByIds, 'ids' | 'ifVersion'>,
  collection: number,
  shardCount: number,
): readonly PlannedEntry[] {
  return planned({
    items: ids.map((id) => id.key),
    shardOfItem: (key) => shardOf(collection, key, shardCount),
    bytesOf: (key) => key.length + ID_OVERHEAD_BYTES,
    commandOf: (some) => ({ kind: 'delete', collection, ids: some, ...conditionOf(ifVersion) }),
  });
}

/** Deletes points of one shard unless they are newer than when they were read. */
export function planDeleteRead(points: readonly StoredPoint[], collection: number): readonly PlannedEntry[] {
  return planned({
    items: points,
    shardOfItem: (point) => point.shard,
    bytesOf: ({ idKey }) => idKey.length + ID_OVERHEAD_BYTES,
    commandOf: (some) => ({
      ...{ kind: 'delete', collection },
      ids: some.map(({ idKey }) => idKey),
      upTo: some.map(({ version }) => version),
    }),
  });
}

function conditionOf(ifVersion: number | undefined): { readonly ifVersion?: number } {
  return ifVersion === undefined ? {} : { ifVersion };
}

interface Plan<T> {
  readonly items: readonly T[];
  readonly shardOfItem: (item: T) => number;
  readonly bytesOf: (item: T) => number;
  readonly commandOf: (items: T[]) => PointCommand;
}

interface OpenEntry<T> {
  items: T[];
  bytes: number;
}

function planned<T>(plan: Plan<T>): readonly PlannedEntry[] {
  const byShard = new Map<number, OpenEntry<T>[]>();
  for (const item of plan.items) {
    const shard = plan.shardOfItem(item);
    const entries = byShard.get(shard);
    if (entries === undefined)
      byShard.set(shard, [{ items: [item], bytes: COMMAND_HEADER_BYTES + plan.bytesOf(item) }]);
    else append(entries, item, plan.bytesOf(item));
  }
  return [...byShard]
    .sort(([a], [b]) => a - b)
    .flatMap(([shard, entries]) => entries.map((entry) => ({ shard, command: plan.commandOf(entry.items) })));
}

function append<T>(entries: OpenEntry<T>[], item: T, bytes: number): void {
  const last = present(entries.at(-1), 'an open entry');
  if (last.items.length < COMMAND_POINTS_MAX && last.bytes + bytes <= COMMAND_BYTES_MAX) {
    last.items.push(item);
    last.bytes += bytes;
  } else entries.push({ items: [item], bytes: COMMAND_HEADER_BYTES + bytes });
}

function checkDimension(point: PointWrite, schema: CollectionSchema): void {
  const values = point.vector.length / 4;
  if (values === schema.dimension) return;
  const message = `vector has ${values} values, the collection has ${schema.dimension} dimensions`;
  throw new GrapeError('DIMENSION_MISMATCH', message);
}
