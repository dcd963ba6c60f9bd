import { Breather, type Clock, GrapeError } from '../base/index.ts';
import type { CollectionSchema, DeleteRequest, UpsertRequest } from '../model/index.ts';
import { encodeCommand } from '../shard/index.ts';
import { LATE, settleBy } from './deadline.ts';
import { formedMap } from './formed.ts';
import type { LeaderTable } from './leader-table.ts';
import type { Directory } from './ports.ts';
import type { EntryOutcome } from './propose-codec.ts';
import type { Proposer } from './proposer.ts';
import { type CommittedEntry, committedOrThrow } from './write-outcome.ts';
import { planDelete, type PlannedEntry, planUpsert } from './write-plan.ts';

/** Bytes of commands that are encoded before others get their turn. */
const ENCODED_BYTES_BEFORE_REST = 2 * 1024 * 1024;

export interface UpsertResult {
  /** Points written. */
  readonly upserted: number;
  /** One per log entry, ascending by shard. */
  readonly versions: readonly { readonly shard: number; readonly version: number }[];
}

export interface WriterDeps {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly leaders: LeaderTable;
  readonly proposer: Proposer;
}

/** Turns writes into log entries and waits for them. */
export class PointsWriter {
  readonly #deps: WriterDeps;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  async upsert(request: UpsertRequest, deadlineMs: number): Promise<UpsertResult> {
    const { settings } = formedMap(this.#deps.directory);
    const schema = await this.#schemaFor(request, deadlineMs);
    const committed = await this.#write(planUpsert(request.points, schema, settings.shardCount), deadlineMs);
    return {
      upserted: request.points.length,
      versions: committed.map(({ shard, version }) => ({ shard, version })),
    };
  }

  /** How many of the points existed. */
  async delete(request: DeleteRequest, deadlineMs: number): Promise<number> {
    const { settings } = formedMap(this.#deps.directory);
    const schema = this.#deps.directory.collection();
    if (schema === undefined) return 0;
    const committed = await this.#write(planDelete(request.ids, schema, settings.shardCount), deadlineMs);
    return committed.reduce(
      (sum, { result }) => sum + (result.kind === 'deleted' ? countTrue(result.deleted) : 0),
      0,
    );
  }

  async #schemaFor(request: UpsertRequest, deadlineMs: number): Promise<CollectionSchema> {
    const known = this.#deps.directory.collection();
    if (known !== undefined) return known;
    const bytes = request.points[0]?.vector.length ?? 0;
    // All or nothing: a batch of unequal vectors must not fix a dimension and then be refused.
    if (request.points.some((point) => point.vector.length !== bytes)) {
      throw new GrapeError('DIMENSION_MISMATCH', 'the vectors of one request have different dimensions');
    }
    const made = await settleBy(
      this.#deps.clock,
      this.#deps.directory.ensureCollection(bytes / 4),
      deadlineMs,
    );
    if (made !== LATE) return made;
    throw new GrapeError(
      'SHARD_UNAVAILABLE',
      'the collection could not be made in time; nothing was written',
    );
  }

  async #write(plan: readonly PlannedEntry[], deadlineMs: number): Promise<readonly CommittedEntry[]> {
    const { proposer, clock, leaders } = this.#deps;
    const shards = [...new Set(plan.map((entry) => entry.shard))];
    if (shards.some((shard) => leaders.leaderOf(shard) === undefined))
      await proposer.awaitLeaders(shards, deadlineMs);
    const wallMs = clock.wallMs();
    const breather = new Breather(ENCODED_BYTES_BEFORE_REST);
    const outcomes: Promise<{ shard: number; outcome: EntryOutcome }>[] = [];
    for (const { shard, command } of plan) {
      const encoded = encodeCommand(command, { wallMs });
      const proposed = proposer.propose(shard, encoded, deadlineMs).then((outcome) => ({ shard, outcome }));
      // Awaited with the others below; a defect that shows earlier must not count as unhandled until then.
      proposed.catch(() => undefined);
      outcomes.push(proposed);
      if (breather.spend(encoded.length)) await breather.rest();
    }
    return committedOrThrow(await Promise.all(outcomes));
  }
}

function countTrue(values: readonly boolean[]): number {
  return values.reduce((count, value) => count + (value ? 1 : 0), 0);
}
