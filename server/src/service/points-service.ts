import type { Clock } from '../base/index.ts';
import {
  type CollectionSchema,
  type Consistency,
  type CountRequest,
  DEFAULT_COLLECTION_ID,
  type DeleteByFilter,
  type DeleteByIds,
  type DeleteRequest,
  type ParseContext,
  type PatchRequest,
  type PointId,
  type ScrollRequest,
  type SearchRequest,
  type UpsertRequest,
} from '../model/index.ts';
import { shardOf, type StoredPoint } from '../shard/index.ts';
import { Admission, PEER_REQUESTS_IN_FLIGHT_MAX } from './admission.ts';
import { collectionToRead, formedMap } from './formed.ts';
import { RPC } from './kinds.ts';
import { deleteByFilter } from './filter-delete.ts';
import { LeaderTable } from './leader-table.ts';
import { LocalReader } from './local-reader.ts';
import { mergePages } from './merge.ts';
import { answerPeerReads } from './peer-reads.ts';
import { PayloadIndexes } from './payload-indexes.ts';
import { type Patched, patchPayload } from './payload-patch.ts';
import { type NodePlan, PointsSearch, type SearchHit, type SearchRead } from './points-search.ts';
import { PointsWriter, type UpsertResult, type WriteOptions } from './points-writer.ts';
import type { Directory, Groups, LocalShards, Peers } from './ports.ts';
import { Proposer } from './proposer.ts';
import { ReadRouter, type ReadTarget } from './read-router.ts';
import type { Read } from './read-scope.ts';
import { bytesOf, type Page, type PageQuery, READ_BYTES_MAX } from './shard-reader.ts';

export interface PointsServiceDeps {
  readonly groups: Groups;
  readonly peers: Peers;
  readonly directory: Directory;
  readonly shards: LocalShards;
  readonly clock: Clock;
  /** `[index] ef_search` as it is now. */
  readonly efSearch: () => number;
  /** `[raft] lease_reads` */
  readonly leaseReads: boolean;
}

/** When the caller stops waiting, as `Clock.nowMs`. */
export interface CallOptions {
  readonly deadlineMs: number;
}

export interface ScrollResult {
  /** Ascending by id. */
  readonly points: readonly StoredPoint[];
  /** Key to go on after when more points may follow. */
  readonly next: Buffer | undefined;
}

/**
 * The calls on points, answered by whichever node they reach. Writes throw SHARD_UNAVAILABLE or TOO_MANY_REQUESTS only
 * when they surely were not and will not be applied, and WRITE_TIMEOUT otherwise; reads never throw WRITE_TIMEOUT.
 * All throw NOT_A_MEMBER until the cluster is formed.
 */
export class PointsService {
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #leaders: LeaderTable;
  readonly #writer: PointsWriter;
  readonly #router: ReadRouter;
  readonly #search: PointsSearch;
  readonly indexes: PayloadIndexes;
  #shards: readonly number[] = [];

  /** Registers the answers to the other nodes' requests with `peers`. */
  constructor(deps: PointsServiceDeps) {
    const leaders = new LeaderTable(deps);
    const proposer = new Proposer({ ...deps, leaders });
    const local = new LocalReader({ ...deps, leaders });
    this.#directory = deps.directory;
    this.#clock = deps.clock;
    this.#leaders = leaders;
    this.#writer = new PointsWriter({ ...deps, leaders, proposer });
    this.#router = new ReadRouter({ ...deps, leaders, local });
    this.#search = new PointsSearch(this.#router);
    this.indexes = new PayloadIndexes({ directory: deps.directory, router: this.#router });
    answerPeers(deps, { proposer, local });
  }

  upsert(request: UpsertRequest, options: WriteOptions): Promise<UpsertResult> {
    return this.#writer.upsert(request, options);
  }

  /** Whether the point existed. */
  async delete(
    id: PointId,
    options: WriteOptions,
    condition: Pick<DeleteByIds, 'ifVersion'> = {},
  ): Promise<boolean> {
    return (await this.#writer.delete({ kind: 'ids', ids: [id], ...condition }, options)) === 1;
  }

  /** How many of the points existed. */
  deleteMany(request: DeleteRequest, options: WriteOptions): Promise<number> {
    return request.kind === 'ids'
      ? this.#writer.delete(request, options)
      : this.#deleteByFilter(request, options);
  }

  /** Throws NOT_FOUND among others. */
  patch(id: PointId, request: PatchRequest, options: WriteOptions): Promise<Patched> {
    const schema = collectionToRead(this.#directory);
    const collection = schema?.id ?? DEFAULT_COLLECTION_ID;
    const shard = shardOf(collection, id.key, formedMap(this.#directory).settings.shardCount);
    const read = async (of: PointId, deadlineMs: number): Promise<StoredPoint | undefined> =>
      (await this.get(of, { consistency: 'strong', deadlineMs })).value;
    const deps = { clock: this.#clock, writer: this.#writer, read };
    return patchPayload(deps, { id, collection, shard }, request, options);
  }

  async get(
    id: PointId,
    options: CallOptions & { readonly consistency: Consistency },
  ): Promise<Read<StoredPoint | undefined>> {
    const schema = collectionToRead(this.#directory);
    if (schema === undefined) return { value: undefined, stalenessMs: 0 };
    const shard = this.#shardOf(id, schema);
    const points = [{ shard, idKey: id.key }];
    const parts = await this.#router.scatter({ ...options, shards: [shard] }, (reader, scope) =>
      reader.fetch(scope, schema.id, points),
    );
    const found = parts[0]?.value;
    return { value: found?.value[0], stalenessMs: found?.stalenessMs ?? 0 };
  }

  async search(
    request: SearchRequest,
    options: CallOptions & { readonly explain?: boolean | undefined },
  ): Promise<Read<readonly SearchHit[]> & { readonly plans: readonly NodePlan[] }> {
    const { value, stalenessMs, plans } = await this.searchBatch([request], options);
    return { value: value[0] ?? [], stalenessMs, plans: plans[0] ?? [] };
  }

  /** One list per request. All share one read point: the strongest consistency that one of them asks for. */
  async searchBatch(
    requests: readonly SearchRequest[],
    options: CallOptions & { readonly explain?: boolean | undefined },
  ): Promise<SearchRead> {
    const schema = collectionToRead(this.#directory);
    if (schema === undefined) return { value: requests.map(() => []), stalenessMs: 0, plans: [] };
    const consistency = strongest(requests.map((request) => request.consistency));
    return this.#search.run({ schema, consistency, shards: this.#allShards(), ...options }, requests);
  }

  /** The page after `request.cursor`; shorter than `request.limit` only at the end, or when points are large or few pass. */
  async scroll(request: ScrollRequest, options: CallOptions): Promise<Read<ScrollResult>> {
    const schema = collectionToRead(this.#directory);
    if (schema === undefined) return { value: { points: [], next: undefined }, stalenessMs: 0 };
    const target = { shards: this.#allShards(), consistency: request.consistency, ...options };
    const collected: StoredPoint[] = [];
    const startMs = this.#clock.nowMs();
    // So that a page that few points pass ends with a cursor, not with an error.
    const pageEndMs = startMs + (options.deadlineMs - startMs) / 2;
    let bytes = 0;
    let stalenessMs = 0;
    let through = request.cursor;
    do {
      const page = await this.#page(target, schema, {
        after: through,
        // One more than asked for tells whether there is a next page.
        limit: request.limit + 1 - collected.length,
        filter: request.filter,
        withVector: request.withVector,
        withPayload: request.withPayload,
      });
      collected.push(...page.value.points);
      bytes += page.value.points.reduce((sum, point) => sum + bytesOf(point), 0);
      stalenessMs = Math.max(stalenessMs, page.stalenessMs);
      ({ through } = page.value);
    } while (
      through !== undefined &&
      collected.length <= request.limit &&
      bytes < READ_BYTES_MAX &&
      this.#clock.nowMs() < pageEndMs
    );
    const points = within(READ_BYTES_MAX, collected.slice(0, request.limit));
    const next = points.length < collected.length ? points.at(-1)?.idKey : through;
    return { value: { points, next }, stalenessMs };
  }

  async count(request: CountRequest, options: CallOptions): Promise<Read<number>> {
    const schema = collectionToRead(this.#directory);
    if (schema === undefined) return { value: 0, stalenessMs: 0 };
    const target = { shards: this.#allShards(), consistency: request.consistency, ...options };
    const parts = await this.#router.scatter(target, (reader, scope) =>
      reader.count(scope, schema.id, request.filter),
    );
    return {
      value: parts.reduce((sum, part) => sum + part.value.value, 0),
      stalenessMs: parts.reduce((most, part) => Math.max(most, part.value.stalenessMs), 0),
    };
  }

  /** What vectors of a request must be now. Throws NOT_A_MEMBER. */
  parseContext(): ParseContext {
    const { settings } = formedMap(this.#directory);
    const schema = this.#directory.collection();
    return { dimension: schema?.dimension ?? settings.dimension, metric: schema?.metric ?? settings.metric };
  }

  /** The shard of a point and who leads it now, as far as this node knows; undefined until the cluster is formed. */
  locate(id: PointId): { readonly shard: number; readonly leader: string | undefined } | undefined {
    const schema = this.#directory.collection();
    if (schema === undefined || this.#directory.map() === undefined) return undefined;
    const shard = this.#shardOf(id, schema);
    return { shard, leader: this.#leaders.leaderOf(shard) };
  }

  async #deleteByFilter({ filter }: DeleteByFilter, options: WriteOptions): Promise<number> {
    const schema = collectionToRead(this.#directory);
    if (schema === undefined && options.retry === undefined) return 0;
    const { deadlineMs } = options;
    const target = { shards: this.#allShards(), consistency: 'strong', deadlineMs } as const;
    const parts = { withVector: false, withPayload: false };
    const page = async (after: Buffer | undefined, limit: number): Promise<Page> =>
      schema === undefined
        ? { points: [], through: undefined }
        : (await this.#page(target, schema, { after, limit, filter, ...parts })).value;
    const collection = schema?.id ?? DEFAULT_COLLECTION_ID;
    const deps = { writer: this.#writer, shardCount: target.shards.length, collection, page };
    return deleteByFilter(deps, filter, options);
  }

  async #page(
    target: ReadTarget,
    schema: CollectionSchema,
    query: PageQuery,
  ): Promise<Read<ReturnType<typeof mergePages>>> {
    const parts = await this.#router.scatter(target, (reader, scope) =>
      reader.scroll(scope, schema.id, query),
    );
    return {
      value: mergePages(parts.map((part) => part.value.value)),
      stalenessMs: parts.reduce((most, part) => Math.max(most, part.value.stalenessMs), 0),
    };
  }

  #shardOf(id: PointId, schema: CollectionSchema): number {
    return shardOf(schema.id, id.key, formedMap(this.#directory).settings.shardCount);
  }

  /** The same list as long as the map has the same shards: below, the list stands for what follows from it. */
  #allShards(): readonly number[] {
    const { shards } = formedMap(this.#directory);
    if (shards.length !== this.#shards.length) this.#shards = shards.map(({ shard }) => shard);
    return this.#shards;
  }
}

/** The first points up to that many bytes, at least one. */
function within(bytesMax: number, points: readonly StoredPoint[]): readonly StoredPoint[] {
  let bytes = 0;
  const end = points.findIndex((point, i) => {
    bytes += bytesOf(point);
    return i > 0 && bytes > bytesMax;
  });
  return end < 0 ? points : points.slice(0, end);
}

function strongest(asked: readonly Consistency[]): Consistency {
  if (asked.includes('strong')) return 'strong';
  return asked.includes('leader') ? 'leader' : 'eventual';
}

function answerPeers(
  deps: PointsServiceDeps,
  own: { readonly proposer: Proposer; readonly local: LocalReader },
): void {
  const admission = new Admission({ requestsMax: PEER_REQUESTS_IN_FLIGHT_MAX, bodyBytesMax: 0 });
  const handlers = [
    { kind: RPC.propose, answer: (body: Buffer) => own.proposer.answer(body) },
    ...answerPeerReads({ ...deps, local: own.local }),
  ];
  for (const { kind, answer } of handlers) {
    deps.peers.handle(kind, async (_from, body) => {
      admission.enter();
      try {
        return await answer(body);
      } finally {
        admission.leave();
      }
    });
  }
}
