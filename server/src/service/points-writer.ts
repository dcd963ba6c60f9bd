import { Breather, type Clock, GrapeError } from '../base/index.ts';
import {
  type CollectionSchema,
  DEFAULT_COLLECTION_ID,
  type DeleteByIds,
  type UpsertRequest,
} from '../model/index.ts';
import { type Command, encodeCommand, homeShardOf } from '../shard/index.ts';
import { digestOf } from './retry-digest.ts';
import { claimName } from './retry-claim.ts';
import { LATE, settleBy } from './deadline.ts';
import { collectionToRead, formedMap } from './formed.ts';
import type { LeaderTable } from './leader-table.ts';
import type { Directory } from './ports.ts';
import type { EntryOutcome } from './propose-codec.ts';
import type { Proposer } from './proposer.ts';
import { type CommittedEntry, committedOrThrow, countDeleted } from './write-outcome.ts';
import { planDelete, type PlannedEntry, planUpsert } from './write-plan.ts';

/** Bytes of commands that are encoded before others get their turn. */
const ENCODED_BYTES_BEFORE_REST = 2 * 1024 * 1024;

export interface UpsertResult {
  /** Points written. */
  readonly upserted: number;
  /** One per log entry, ascending by shard. */
  readonly versions: readonly { readonly shard: number; readonly version: number }[];
}

/** What a write calls itself, so that its sender may repeat it without doing it twice. */
export interface RetryName {
  /** One write, or a client that numbers its writes. */
  readonly scope: 'key' | 'client';
  /** UTF-8. */
  readonly name: Buffer;
  /** 0 for `key`. */
  readonly sequence: number;
}

export interface WriteOptions {
  readonly deadlineMs: number;
  readonly retry?: RetryName | undefined;
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

  async upsert(request: UpsertRequest, options: WriteOptions): Promise<UpsertResult> {
    const { settings } = formedMap(this.#deps.directory);
    const schema = await this.#schemaFor(request, options.deadlineMs);
    const committed = await this.write(planUpsert(request, schema, settings.shardCount), options);
    return {
      upserted: request.points.length,
      versions: committed.map(({ shard, version }) => ({ shard, version })),
    };
  }

  /** How many of the points existed. */
  async delete(request: DeleteByIds, options: WriteOptions): Promise<number> {
    const { settings } = formedMap(this.#deps.directory);
    const schema = collectionToRead(this.#deps.directory);
    // Nothing is there to delete, but a write that names itself is remembered: its repetition must not delete later points.
    if (schema === undefined && options.retry === undefined) return 0;
    const collection = schema?.id ?? DEFAULT_COLLECTION_ID;
    return countDeleted(await this.write(planDelete(request, collection, settings.shardCount), options));
  }

  async #schemaFor(request: UpsertRequest, deadlineMs: number): Promise<CollectionSchema> {
    const known = this.#deps.directory.collection();
    if (known !== undefined) return known;
    // Nothing was ever written, and a condition that cannot hold must not fix a dimension.
    if (request.ifVersion !== undefined && request.ifVersion > 0)
      throw new GrapeError(
        'VERSION_MISMATCH',
        `if_version is ${request.ifVersion}, but there is no such point`,
      );
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

  /**
   * Proposes the entries and waits for them. `digest` tells writes under one name apart; by default it is made of the plan.
   * Throws as `committedOrThrow`.
   */
  async write(
    plan: readonly PlannedEntry<Command>[],
    options: WriteOptions,
    digest?: Buffer,
  ): Promise<readonly CommittedEntry[]> {
    const { proposer, leaders } = this.#deps;
    const { deadlineMs, retry } = options;
    const shards = new Set(plan.map((entry) => entry.shard));
    const home = retry && homeShardOf(retry, formedMap(this.#deps.directory).settings.shardCount);
    // A write of the home shard alone needs no claim: its entries are one.
    const isElsewhere = home !== undefined && (shards.size > 1 || !shards.has(home));
    const asked = isElsewhere ? [...shards.add(home)] : [...shards];
    if (asked.some((shard) => leaders.leaderOf(shard) === undefined))
      await proposer.awaitLeaders(asked, deadlineMs);
    // The same on every node and at every repetition: the plan depends on the request and the cluster's settings only.
    const tag = retry && { ...retry, digest: digest ?? (await digestOf(plan)) };
    if (tag !== undefined && isElsewhere) await claimName(proposer, tag, { home, deadlineMs });
    const breather = new Breather(ENCODED_BYTES_BEFORE_REST);
    const outcomes: Promise<{ shard: number; outcome: EntryOutcome }>[] = [];
    for (const [at, { shard, command, chunk = at }] of plan.entries()) {
      const encoded = encodeCommand(command, { wallMs: 0, retry: tag && { ...tag, chunk } });
      const proposed = proposer.propose(shard, encoded, deadlineMs).then((outcome) => ({ shard, outcome }));
      // Awaited with the others below; a defect that shows earlier must not count as unhandled until then.
      proposed.catch(() => undefined);
      outcomes.push(proposed);
      if (breather.spend(encoded.length)) await breather.rest();
    }
    return committedOrThrow(await Promise.all(outcomes));
  }
}
