import { asError, type ErrorCode } from '../base/index.ts';
import type { PointRef, Turn } from '../engine/index.ts';
import { type Command, decodeCommand } from './command.ts';

/** A committed log entry. */
export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  /** Only `normal` entries carry commands; an empty one is the no-op of a new leader. */
  readonly kind: 'normal' | 'confChange';
  readonly data: Buffer;
}

/** Committed entries of one shard, without gaps. */
export interface CommittedEntries {
  /** The shard's number. */
  readonly group: number;
  readonly entries: readonly CommittedEntry[];
}

/** The same on every replica. */
export type CommandResult =
  | { readonly kind: 'upserted'; readonly version: number }
  /** For each id: was there a point to delete? */
  | { readonly kind: 'deleted'; readonly deleted: readonly boolean[] }
  /** No effect. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The entry carried no command. */
  | { readonly kind: 'none' };

/** A committed entry that this version cannot read. The replica stops, because skipping it would let replicas differ. */
export class UnreadableEntryError extends Error {
  override readonly name = 'UnreadableEntryError';

  constructor(at: { readonly group: number; readonly index: number }, cause: Error) {
    super(`entry ${String(at.index)} of shard ${String(at.group)} cannot be read: ${cause.message}`, {
      cause,
    });
  }
}

interface DecodedEntry {
  readonly index: number;
  readonly term: number;
  readonly command: Command | undefined;
}

export interface DecodedEntries {
  readonly shard: number;
  readonly entries: readonly DecodedEntry[];
}

/** Throws `UnreadableEntryError`, before anything has an effect. */
export function decodeEntries({ group, entries }: CommittedEntries): DecodedEntries {
  return {
    shard: group,
    entries: entries.map((entry) => ({ ...entry, command: commandOf(group, entry) })),
  };
}

/** Every point whose existence matters to the effects. */
export function touchedPoints({ shard, entries }: DecodedEntries): PointRef[] {
  return entries.flatMap(({ command }) => {
    if (command === undefined) return [];
    const { collection } = command;
    const idKeys = command.kind === 'upsert' ? command.points.map((point) => point.id.key) : command.ids;
    return idKeys.map((idKey) => ({ shard, collection, idKey }));
  });
}

/** Runs the commands of a shard in order. Nothing but the entries and the shard's own state decides what they do. */
export function effectsOf(turn: Turn, { shard, entries }: DecodedEntries): CommandResult[] {
  return entries.map(({ index, term, command }) => {
    const result = command === undefined ? NO_COMMAND : run(turn, { shard, index }, command);
    turn.advance(shard, { index, term });
    return result;
  });
}

const NO_COMMAND: CommandResult = { kind: 'none' };

function commandOf(group: number, { index, kind, data }: CommittedEntry): Command | undefined {
  if (kind !== 'normal' || data.length === 0) return undefined;
  try {
    return decodeCommand(data).command;
  } catch (error) {
    throw new UnreadableEntryError({ group, index }, asError(error));
  }
}

function run(
  turn: Turn,
  at: { readonly shard: number; readonly index: number },
  command: Command,
): CommandResult {
  const { collection } = command;
  const entry = { ...at, collection };
  if (command.kind === 'delete') return { kind: 'deleted', deleted: turn.delete(entry, command.ids) };
  const dimension = turn.dimension(at.shard, collection) ?? (command.points[0]?.vector.length ?? 0) / 4;
  const misfit = command.points.find((point) => point.vector.length !== 4 * dimension);
  if (misfit !== undefined) return refusedDimension(misfit.vector.length / 4, dimension);
  turn.upsert(entry, command.points);
  return { kind: 'upserted', version: at.index };
}

/**
 * The shard's own log has fixed the dimension with its first upsert, not the schema: `meta` is another group, and a
 * replica that waited here for a schema that it lags behind would hold up `meta` itself.
 */
function refusedDimension(values: number, dimension: number): CommandResult {
  const message = `vector has ${String(values)} values, the collection has ${String(dimension)} dimensions`;
  return { kind: 'refused', code: 'DIMENSION_MISMATCH', message };
}
