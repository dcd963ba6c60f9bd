import { asError } from '../base/index.ts';
import type { EntryAddress, PointRef, RetryRef, Touched, Turn } from '../engine/index.ts';
import { type Command, type CommandHeader, decodeCommand, type Delete } from './command.ts';
import type { CommandResult } from './command-result.ts';
import { retryName, withRetry } from './retries.ts';

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
  readonly work: Work | undefined;
}

interface Work {
  readonly header: CommandHeader;
  readonly command: Command;
}

export interface DecodedEntries {
  readonly shard: number;
  readonly entries: readonly DecodedEntry[];
}

/** Throws `UnreadableEntryError`, before anything has an effect. */
export function decodeEntries({ group, entries }: CommittedEntries): DecodedEntries {
  return {
    shard: group,
    entries: entries.map((entry) => ({ ...entry, work: workOf(group, entry) })),
  };
}

/** Every row that matters to the effects. */
export function touchedBy(batches: readonly DecodedEntries[]): Touched {
  return { points: batches.flatMap(touchedPoints), retries: batches.flatMap(touchedRetries) };
}

function touchedRetries({ shard, entries }: DecodedEntries): RetryRef[] {
  return entries.flatMap(({ work }) => {
    const tag = work?.header.retry;
    return tag === undefined ? [] : [{ shard, name: retryName(tag) }];
  });
}

function touchedPoints({ shard, entries }: DecodedEntries): PointRef[] {
  return entries.flatMap(({ work }) => {
    if (work === undefined) return [];
    const { command } = work;
    if (command.kind === 'claim' || command.kind === 'note') return [];
    const { collection } = command;
    const idKeys = command.kind === 'upsert' ? command.points.map((point) => point.id.key) : command.ids;
    return idKeys.map((idKey) => ({ shard, collection, idKey }));
  });
}

/** Runs the commands of a shard in order. Nothing but the entries and the shard's own state decides what they do. */
export function effectsOf(turn: Turn, { shard, entries }: DecodedEntries): CommandResult[] {
  return entries.map(({ index, term, work }) => {
    const result = work === undefined ? NO_COMMAND : resultOf(turn, { shard, index }, work);
    turn.advance(shard, { index, term });
    return result;
  });
}

const NO_COMMAND: CommandResult = { kind: 'none' };

function resultOf(
  turn: Turn,
  at: { readonly shard: number; readonly index: number },
  { header, command }: Work,
): CommandResult {
  turn.noteTime(at.shard, header.wallMs);
  const { retry } = header;
  if (retry === undefined) return run(turn, at, command);
  return withRetry(turn, { ...at, collection: command.collection }, retry, () => run(turn, at, command));
}

function workOf(group: number, { index, kind, data }: CommittedEntry): Work | undefined {
  if (kind !== 'normal' || data.length === 0) return undefined;
  try {
    return decodeCommand(data);
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
  // Remembering it is its effect, and the caller's work.
  if (command.kind === 'claim') return NO_COMMAND;
  if (command.kind === 'note') return { kind: 'noted', value: command.value, index: at.index };
  const entry = { ...at, collection };
  if (command.kind === 'delete') return runDelete(turn, entry, command);
  const dimension = turn.dimension(at.shard, collection) ?? (command.points[0]?.vector.length ?? 0) / 4;
  const misfit = command.points.find((point) => point.vector.length !== 4 * dimension);
  if (misfit !== undefined) return refusedDimension(misfit.vector.length / 4, dimension);
  const refusal = refusedVersion(turn, entry, { ...command, ids: command.points.map(({ id }) => id.key) });
  if (refusal !== undefined) return refusal;
  turn.upsert(entry, command.points);
  return { kind: 'upserted', version: at.index };
}

function runDelete(turn: Turn, entry: EntryAddress, command: Delete): CommandResult {
  const { ids, upTo } = command;
  const refusal = refusedVersion(turn, entry, command);
  if (refusal !== undefined) return refusal;
  if (upTo === undefined) return { kind: 'deleted', deleted: turn.delete(entry, ids) };
  const isOld = ids.map((id, at) => turn.version(entry, id) <= (upTo[at] ?? 0));
  const gone = turn.delete(
    entry,
    ids.filter((_, at) => isOld[at]),
  );
  return { kind: 'deleted', deleted: isOld.map((old) => old && gone.shift() === true) };
}

/** Undefined: there is no condition, or it holds. */
function refusedVersion(
  turn: Turn,
  entry: EntryAddress,
  { ids, ifVersion }: { readonly ids: readonly Buffer[]; readonly ifVersion?: number },
): CommandResult | undefined {
  const [id] = ids;
  if (ifVersion === undefined || id === undefined) return undefined;
  const version = turn.version(entry, id);
  if (version === ifVersion) return undefined;
  const message = version === 0 ? 'there is no such point' : `the point has version ${String(version)}`;
  return {
    kind: 'refused',
    code: 'VERSION_MISMATCH',
    message: `if_version is ${String(ifVersion)}, but ${message}`,
  };
}

/**
 * The shard's own log has fixed the dimension with its first upsert, not the schema: `meta` is another group, and a
 * replica that waited here for a schema that it lags behind would hold up `meta` itself.
 */
function refusedDimension(values: number, dimension: number): CommandResult {
  const message = `vector has ${String(values)} values, the collection has ${String(dimension)} dimensions`;
  return { kind: 'refused', code: 'DIMENSION_MISMATCH', message };
}
