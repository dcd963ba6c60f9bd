import { asError, GrapeError, present } from '../base/index.ts';
import type { FilterText } from '../model/index.ts';
import { homeShardOf, type StoredPoint } from '../shard/index.ts';
import type { PointsWriter, RetryName, WriteOptions } from './points-writer.ts';
import { digestOfParts } from './retry-digest.ts';
import type { Page } from './shard-reader.ts';
import { countDeleted } from './write-outcome.ts';
import { planDeleteRead } from './write-plan.ts';

/** Points that are found, and then deleted, at one time. */
const PAGE_POINTS = 4_096;

interface FilterDeleteDeps {
  readonly writer: PointsWriter;
  readonly shardCount: number;
  readonly collection: number;
  /** Ids and versions of the next points that pass, by a strong read. */
  readonly page: (after: Buffer | undefined, limit: number) => Promise<Page>;
}

/**
 * Deletes the points that pass, in the versions that were read: what is written meanwhile stays. A call that names itself
 * first marks the log of every shard; its repetition finds the same marks and leaves what came after them alone. Throws as
 * writes do: WRITE_TIMEOUT when some points may be gone.
 */
export async function deleteByFilter(
  deps: FilterDeleteDeps,
  filter: FilterText,
  options: WriteOptions,
): Promise<number> {
  const marks = options.retry && (await markShards(deps, filter, { ...options, retry: options.retry }));
  const deleted = await deletePages(deps, options.deadlineMs, ({ shard, version }) => {
    return marks === undefined || version <= present(marks.get(shard), 'the mark of a shard');
  });
  return options.retry === undefined
    ? deleted
    : noteResult(deps, filter, { ...options, retry: options.retry }, deleted);
}

type NamedOptions = WriteOptions & { readonly retry: RetryName };

/** The log index of every shard before which the call counts. */
async function markShards(
  { writer, shardCount, collection }: FilterDeleteDeps,
  filter: FilterText,
  options: NamedOptions,
): Promise<ReadonlyMap<number, number>> {
  const command = { kind: 'note', collection, value: 0 } as const;
  const plan = Array.from({ length: shardCount }, (_, shard) => ({ shard, command }));
  const marks = await writer.write(plan, options, digestOf(filter));
  return new Map(marks.map(({ shard, result }) => [shard, result.kind === 'noted' ? result.index : 0]));
}

async function deletePages(
  { writer, page, collection }: FilterDeleteDeps,
  deadlineMs: number,
  isMeant: (point: StoredPoint) => boolean,
): Promise<number> {
  let deleted = 0;
  let after: Buffer | undefined;
  try {
    do {
      const { points, through } = await page(after, PAGE_POINTS);
      const meant = points.filter(isMeant);
      // What is in the versions decides: repeating these entries changes nothing, so they carry no name.
      if (meant.length > 0)
        deleted += countDeleted(await writer.write(planDeleteRead(meant, collection), { deadlineMs }));
      after = through;
    } while (after !== undefined);
    return deleted;
  } catch (error) {
    if (deleted === 0) throw error;
    throw new GrapeError('WRITE_TIMEOUT', `after ${deleted} points were deleted: ${asError(error).message}`);
  }
}

/** The number that the first attempt which came to its end has answered. */
async function noteResult(
  { writer, shardCount, collection }: FilterDeleteDeps,
  filter: FilterText,
  options: NamedOptions,
  deleted: number,
): Promise<number> {
  const shard = homeShardOf(options.retry, shardCount);
  const command = { kind: 'note', collection, value: deleted } as const;
  const [noted] = await writer.write([{ shard, command, chunk: shardCount }], options, digestOf(filter));
  return noted?.result.kind === 'noted' ? noted.result.value : deleted;
}

function digestOf(filter: FilterText): Buffer {
  return digestOfParts('delete by filter', filter);
}
