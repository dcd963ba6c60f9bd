import { GrapeError, present, unreachable } from '../base/index.ts';
import type { CommandResult } from '../shard/index.ts';
import type { EntryOutcome } from './propose-codec.ts';

/** A log entry of a write that was committed and applied. */
export interface CommittedEntry {
  readonly shard: number;
  /** The version of its points: its log index, or that of the entry that a repetition found applied. */
  readonly version: number;
  readonly result: CommandResult;
}

/** How one shard of a write that did not fully succeed stands, as `error.details.shards` shows it. */
interface ShardOutcome {
  readonly shard: number;
  readonly outcome: 'committed' | 'not_applied' | 'unknown';
  readonly version?: number;
}

/**
 * All entries committed: those. Otherwise throws what is true of the write as a whole: the first refusal when surely
 * nothing was applied, else WRITE_TIMEOUT with the state of every shard, because 429 and 503 would promise too much.
 */
export function committedOrThrow(
  entries: readonly { readonly shard: number; readonly outcome: EntryOutcome }[],
): readonly CommittedEntry[] {
  const committed: CommittedEntry[] = [];
  const refusals: GrapeError[] = [];
  let unknown: string | undefined;
  const shards: ShardOutcome[] = [];
  for (const { shard, outcome } of entries) {
    const settled = settle(outcome);
    shards.push({
      shard,
      outcome: settled.kind,
      ...(settled.kind === 'committed' && { version: settled.version }),
    });
    if (settled.kind === 'committed')
      committed.push({ shard, version: settled.version, result: settled.result });
    else if (settled.kind === 'not_applied') refusals.push(settled.error);
    else unknown ??= settled.reason;
  }
  if (committed.length === entries.length) return committed;
  if (refusals.length === entries.length) throw present(refusals[0], 'a refusal');
  const misnamed = refusals.find(({ code }) => MISNAMED.has(code));
  if (misnamed !== undefined) throw new GrapeError(misnamed.code, misnamed.message, { shards });
  const reason = unknown ?? present(refusals[0], 'a refusal').message;
  throw new GrapeError('WRITE_TIMEOUT', `${summary(shards)}: ${reason}`, { shards });
}

/** Points that the entries of a delete found and took away. */
export function countDeleted(entries: readonly CommittedEntry[]): number {
  return entries.reduce(
    (sum, { result }) => sum + (result.kind === 'deleted' ? result.deleted.filter(Boolean).length : 0),
    0,
  );
}

/** Refusals that every repetition would meet again, whatever became of the other entries. */
const MISNAMED: ReadonlySet<string> = new Set(['IDEMPOTENCY_KEY_REUSED', 'SEQUENCE_TOO_OLD']);

type Settled =
  | { readonly kind: 'committed'; readonly version: number; readonly result: CommandResult }
  | { readonly kind: 'not_applied'; readonly error: GrapeError }
  | { readonly kind: 'unknown'; readonly reason: string };

function settle(outcome: EntryOutcome): Settled {
  switch (outcome.kind) {
    case 'committed': {
      const { index, result } = outcome;
      if (result.kind === 'upserted') return { kind: 'committed', version: result.version, result };
      if (result.kind !== 'refused') return { kind: 'committed', version: index, result };
      return { kind: 'not_applied', error: new GrapeError(result.code, result.message) };
    }
    case 'refused':
      return { kind: 'not_applied', error: outcome.error };
    case 'reroute':
      return { kind: 'not_applied', error: new GrapeError('SHARD_UNAVAILABLE', outcome.reason) };
    case 'unknown':
      return outcome;
    default:
      return unreachable(outcome);
  }
}

function summary(shards: readonly ShardOutcome[]): string {
  const count = (outcome: ShardOutcome['outcome']): number =>
    shards.filter((s) => s.outcome === outcome).length;
  if (shards.length === 1) return 'the outcome of the write is unknown';
  const parts = [
    `${count('committed')} committed`,
    `${count('unknown')} unknown`,
    `${count('not_applied')} not applied`,
  ];
  return `of ${shards.length} log entries of the write ${parts.join(', ')}`;
}
