import { type Clock, GrapeError, NotLeaderError } from '../base/index.ts';
import { type FilterText, parseFilter, parseJson } from '../model/index.ts';
import {
  type CompiledFilter,
  compiledFilter,
  type IndexReport,
  SearchNotes,
  type StoredPoint,
} from '../shard/index.ts';
import { LATE, settleBy } from './deadline.ts';
import type { LeaderTable } from './leader-table.ts';
import type { Groups, LocalShards } from './ports.ts';
import { ReadBarriers } from './read-barriers.ts';
import type { Read, ReadScope } from './read-scope.ts';
import {
  bytesOf,
  type NodeFound,
  type NodeSearch,
  type Page,
  type PageQuery,
  type PointAddress,
  READ_BYTES_MAX,
  type ShardReader,
} from './shard-reader.ts';

/**
 * Points that one call of the shards reads at most. Payloads have up to 1 MiB: this bounds what is in memory at one time,
 * and keeps an answer to another node within one frame.
 */
const READ_CHUNK_POINTS = 32;
/** The same where only ids and versions are asked for. */
const READ_CHUNK_IDS = 1024;
const NOTHING = Buffer.alloc(0);
/** Searches of one batch that are in the engine's queue at one time. */
const BATCH_SEARCHES_AT_ONCE = 64;

export interface LocalReaderDeps {
  readonly groups: Groups;
  readonly shards: LocalShards;
  readonly clock: Clock;
  readonly leaders: LeaderTable;
  /** `[index] ef_search` as it is now. */
  readonly efSearch: () => number;
  /** Leaders of this node read by leases. */
  readonly leaseReads: boolean;
}

function compiled(text: FilterText | undefined): CompiledFilter | undefined {
  return text === undefined ? undefined : compiledFilter(parseFilter(parseJson(text)));
}

/** Reads the replicas of this node. */
export class LocalReader implements ShardReader {
  readonly #deps: LocalReaderDeps;
  readonly #barriers: ReadBarriers;

  constructor(deps: LocalReaderDeps) {
    this.#deps = deps;
    this.#barriers = new ReadBarriers(deps);
  }

  async search(
    scope: ReadScope,
    collection: number,
    searches: readonly NodeSearch[],
  ): Promise<Read<readonly NodeFound[]>> {
    const stalenessMs = await this.#reach(scope);
    const value: NodeFound[] = [];
    for (let at = 0; at < searches.length; at += BATCH_SEARCHES_AT_ONCE) {
      const some = searches.slice(at, at + BATCH_SEARCHES_AT_ONCE);
      const found = Promise.all(some.map((search) => this.#searchOne(scope, collection, search)));
      value.push(...(await this.#inTime(found, scope)));
    }
    return { value, stalenessMs };
  }

  async fetch(
    scope: ReadScope,
    collection: number,
    points: readonly PointAddress[],
  ): Promise<Read<readonly (StoredPoint | undefined)[]>> {
    const stalenessMs = await this.#reach(scope);
    const value: (StoredPoint | undefined)[] = [];
    let bytes = 0;
    while (value.length < points.length && bytes < READ_BYTES_MAX) {
      const chunk = points.slice(value.length, value.length + READ_CHUNK_POINTS);
      const found = await this.#inTime(this.#deps.shards.fetch({ collection, points: chunk }), scope);
      for (const point of found) bytes += point === undefined ? 0 : bytesOf(point);
      value.push(...found);
    }
    return { value, stalenessMs };
  }

  async scroll(scope: ReadScope, collection: number, query: PageQuery): Promise<Read<Page>> {
    const stalenessMs = await this.#reach(scope);
    const points: StoredPoint[] = [];
    const startMs = this.#deps.clock.nowMs();
    // The rest of the time is for the way back: a page that few points pass ends early, not late.
    const pageEndMs = startMs + (scope.deadlineMs - startMs) / 2;
    let bytes = 0;
    const { shards } = scope;
    const filter = compiled(query.filter);
    let through = query.after;
    do {
      const { withVector, withPayload } = query;
      const limit = Math.min(
        withPayload || withVector ? READ_CHUNK_POINTS : READ_CHUNK_IDS,
        query.limit - points.length,
      );
      const scroll = this.#deps.shards.scroll({
        collection,
        shards,
        after: through,
        limit,
        filter,
        withVector,
      });
      const found = await this.#inTime(scroll, scope);
      const some = withPayload ? found.points : found.points.map((point) => ({ ...point, payload: NOTHING }));
      for (const point of some) bytes += bytesOf(point);
      points.push(...some);
      ({ through } = found);
    } while (
      through !== undefined &&
      points.length < query.limit &&
      bytes < READ_BYTES_MAX &&
      this.#deps.clock.nowMs() < pageEndMs
    );
    return { value: { points, through }, stalenessMs };
  }

  async count(scope: ReadScope, collection: number, filter: FilterText | undefined): Promise<Read<number>> {
    const stalenessMs = await this.#reach(scope);
    const { shards, deadlineMs } = scope;
    const matching = compiled(filter);
    const query = { collection, shards, filter: matching && { ...matching, deadlineMs } };
    return { value: await this.#inTime(this.#deps.shards.count(query), scope), stalenessMs };
  }

  async indexReports(scope: ReadScope, collection: number): Promise<Read<readonly IndexReport[]>> {
    const stalenessMs = await this.#reach(scope);
    const reports = this.#deps.shards.indexReports(collection, scope.shards);
    return { value: await this.#inTime(reports, scope), stalenessMs };
  }

  async #searchOne(scope: ReadScope, collection: number, search: NodeSearch): Promise<NodeFound> {
    const notes = search.explain ? new SearchNotes() : undefined;
    const filter = compiled(search.filter);
    const points = await this.#deps.shards.search({
      collection,
      query: search.vector,
      k: search.k,
      ef: search.ef ?? this.#deps.efSearch(),
      targetRecall: search.targetRecall,
      exact: search.exact,
      filter: filter && { ...filter, deadlineMs: scope.deadlineMs },
      shards: scope.shards,
      withPayload: search.withPayload,
      withVector: search.withVector,
      notes,
    });
    return { points, plan: notes?.plan() };
  }

  async #inTime<T>(read: Promise<T>, scope: ReadScope): Promise<T> {
    const settled = await settleBy(this.#deps.clock, read, scope.deadlineMs);
    if (settled === LATE) throw new GrapeError('SHARD_UNAVAILABLE', 'the read did not finish in time');
    return settled;
  }

  /** Waits for the read point; answers the staleness of an eventual read. */
  async #reach(scope: ReadScope): Promise<number> {
    const { leaders } = this.#deps;
    for (const shard of scope.shards) {
      // One that is being brought up, or is damaged, has no state to read.
      if (!leaders.holds(shard))
        throw new GrapeError('SHARD_UNAVAILABLE', `shard ${shard} has no working replica on this node`);
    }
    switch (scope.consistency) {
      case 'strong':
        await this.#barriers.reach(scope.shards, scope.pointDeadlineMs);
        return 0;
      case 'leader':
        for (const shard of scope.shards) this.#requireLeader(shard);
        // With a lease the barrier costs no round: then this is as current as a strong read.
        if (this.#deps.leaseReads) await this.#barriers.reach(scope.shards, scope.pointDeadlineMs);
        return 0;
      case 'eventual':
        return this.#staleness(scope.shards);
      case 'applied':
        return 0;
    }
  }

  #requireLeader(shard: number): void {
    const status = this.#deps.groups.status(shard);
    if (!status.isLeader) throw new NotLeaderError(status.leaderNode);
  }

  #staleness(shards: readonly number[]): number {
    const nowMs = this.#deps.clock.nowMs();
    return shards.reduce(
      (stalest, shard) => Math.max(stalest, nowMs - this.#deps.groups.status(shard).lastHeardLeaderMs),
      0,
    );
  }
}
