import { type Clock, GrapeError, NotLeaderError } from '../base/index.ts';
import type { ScoredPoint, StoredPoint } from '../shard/index.ts';
import { LATE, settleBy } from './deadline.ts';
import type { Groups, LocalShards } from './ports.ts';
import { ReadBarriers } from './read-barriers.ts';
import type { Read, ReadScope } from './read-scope.ts';
import {
  bytesOf,
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
/** Searches of one batch that are in the engine's queue at one time. */
const BATCH_SEARCHES_AT_ONCE = 64;

export interface LocalReaderDeps {
  readonly groups: Groups;
  readonly shards: LocalShards;
  readonly clock: Clock;
  /** `[index] ef_search` as it is now. */
  readonly efSearch: () => number;
  /** Leaders of this node read by leases. */
  readonly leaseReads: boolean;
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
  ): Promise<Read<readonly (readonly ScoredPoint[])[]>> {
    const stalenessMs = await this.#reach(scope);
    const value: (readonly ScoredPoint[])[] = [];
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
    let bytes = 0;
    let complete = false;
    while (!complete && points.length < query.limit && bytes < READ_BYTES_MAX) {
      const after = points.at(-1)?.idKey ?? query.after;
      const limit = Math.min(READ_CHUNK_POINTS, query.limit - points.length);
      const { shards } = scope;
      const found = await this.#inTime(
        this.#deps.shards.scroll({ collection, shards, after, limit, withVector: query.withVector }),
        scope,
      );
      for (const point of found) bytes += bytesOf(point);
      points.push(...found);
      complete = found.length < limit;
    }
    return { value: { points, complete }, stalenessMs };
  }

  async count(scope: ReadScope, collection: number): Promise<Read<number>> {
    const stalenessMs = await this.#reach(scope);
    return { value: this.#deps.shards.count(collection, scope.shards), stalenessMs };
  }

  #searchOne(scope: ReadScope, collection: number, search: NodeSearch): Promise<readonly ScoredPoint[]> {
    return this.#deps.shards.search({
      collection,
      query: search.vector,
      k: search.k,
      ef: search.ef ?? this.#deps.efSearch(),
      exact: search.exact,
      shards: scope.shards,
      withPayload: search.withPayload,
      withVector: search.withVector,
    });
  }

  async #inTime<T>(read: Promise<T>, scope: ReadScope): Promise<T> {
    const settled = await settleBy(this.#deps.clock, read, scope.deadlineMs);
    if (settled === LATE) throw new GrapeError('SHARD_UNAVAILABLE', 'the read did not finish in time');
    return settled;
  }

  /** Waits for the read point; answers the staleness of an eventual read. */
  async #reach(scope: ReadScope): Promise<number> {
    const { groups } = this.#deps;
    const held = groups.groups();
    for (const shard of scope.shards) {
      // One that is being brought up, or is damaged, has no state to read.
      if (!held.includes(shard) || !groups.status(shard).isVoter)
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
