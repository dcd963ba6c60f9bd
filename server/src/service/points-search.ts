import { GrapeError, present } from '../base/index.ts';
import type { CollectionSchema, Consistency, SearchRequest } from '../model/index.ts';
import type { ScoredPoint, SearchPlan, StoredPoint } from '../shard/index.ts';
import { compareScored, passesThreshold } from './merge.ts';
import { classifyFailure } from './peer-failure.ts';
import type { ReadPart, ReadRouter } from './read-router.ts';
import type { Read, ReadScope } from './read-scope.ts';
import {
  bytesOf,
  type NodeFound,
  type NodeSearch,
  type PointAddress,
  type ShardReader,
} from './shard-reader.ts';

/** Bytes of payloads and vectors in one answer, at most. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Up to this many candidates bring their payloads along, which saves the second step for small searches. */
const INLINE_RESULTS_MAX = 64;
/** Searches are repeated this often when a winner changed between the search and reading its payload. */
const REPEATS_MAX = 3;

export interface SearchHit {
  readonly idKey: Buffer;
  readonly isInteger: boolean;
  /** Cosine similarity, dot product or euclidean distance; an exact float32. */
  readonly score: number;
  /** JSON text; undefined when not asked for. */
  readonly payload: Buffer | undefined;
  /** Little-endian float32; undefined when not asked for. */
  readonly vector: Buffer | undefined;
}

/** How one node found its part of the winners. */
export interface NodePlan extends SearchPlan {
  readonly nodeId: string;
  readonly shards: readonly number[];
}

/** One list per search, best first. */
export interface SearchRead extends Read<readonly (readonly SearchHit[])[]> {
  /** One list per search, when it was asked for; else empty. */
  readonly plans: readonly (readonly NodePlan[])[];
}

type Found = Read<readonly NodeFound[]>;

interface Winner {
  readonly point: ScoredPoint;
  readonly reader: ShardReader;
  readonly shards: readonly number[];
}

export interface SearchTarget {
  readonly schema: CollectionSchema;
  readonly shards: readonly number[];
  readonly consistency: Consistency;
  readonly deadlineMs: number;
  /** Say how the winners were found. */
  readonly explain?: boolean | undefined;
}

/** Searches all shards at one read point, merges, and reads the payloads of the winners only. */
export class PointsSearch {
  readonly #router: ReadRouter;

  constructor(router: ReadRouter) {
    this.#router = router;
  }

  async run(target: SearchTarget, requests: readonly SearchRequest[]): Promise<SearchRead> {
    for (let repeat = 0; ; repeat += 1) {
      const mayFetch = repeat < REPEATS_MAX;
      const searches = requests.map((request) => ({
        ...nodeSearch(request, mayFetch),
        explain: target.explain === true,
      }));
      const parts = await this.#router.scatter(target, (reader, scope) =>
        reader.search(scope, target.schema.id, searches),
      );
      const hits = await this.#complete(target, parts, { requests, searches });
      if (hits !== undefined)
        return { value: hits, stalenessMs: staleness(parts), plans: plansOf(parts, requests.length) };
    }
  }

  /** Undefined when a winner was replaced or deleted since, or its node went away: the search is repeated. */
  async #complete(
    target: SearchTarget,
    parts: readonly ReadPart<Found>[],
    asked: { readonly requests: readonly SearchRequest[]; readonly searches: readonly NodeSearch[] },
  ): Promise<SearchHit[][] | undefined> {
    const budget = { bytes: 0 };
    const answers: SearchHit[][] = [];
    for (const [i, request] of asked.requests.entries()) {
      const winners = winnersOf(target.schema, request, { parts, search: i });
      const search = present(asked.searches[i], 'the search of a request');
      const isInline = search.withPayload === request.withPayload && search.withVector === request.withVector;
      const hits = isInline
        ? winners.map(({ point }) => hit(request, point, point))
        : await this.#fetch(target, request, winners);
      if (hits === undefined) return undefined;
      spend(budget, hits);
      answers.push(hits);
    }
    return answers;
  }

  async #fetch(
    target: SearchTarget,
    request: SearchRequest,
    winners: readonly Winner[],
  ): Promise<SearchHit[] | undefined> {
    const hits = new Map<Winner, SearchHit>();
    const budget = { bytes: 0 };
    for (const [reader, some] of byReader(winners)) {
      for (let at = 0; at < some.length;) {
        const stored = await fetchFrom(reader, target, some.slice(at));
        if (stored === undefined) return undefined;
        for (const [i, point] of stored.entries()) {
          const winner = present(some[at + i], 'the winner that was fetched');
          if (point?.version !== winner.point.version) return undefined;
          const completed = hit(request, winner.point, point);
          spend(budget, [completed]);
          hits.set(winner, completed);
        }
        at += stored.length;
      }
    }
    return winners.map((winner) => present(hits.get(winner), 'the result of a winner'));
  }
}

function plansOf(parts: readonly ReadPart<Found>[], searches: number): NodePlan[][] {
  return Array.from({ length: searches }, (_, i) =>
    parts.flatMap(({ value, nodeId, shards }) => {
      const plan = value.value[i]?.plan;
      return plan === undefined ? [] : [{ ...plan, nodeId, shards }];
    }),
  );
}

function nodeSearch(request: SearchRequest, mayFetch: boolean): Omit<NodeSearch, 'explain'> {
  const k = request.offset + request.limit;
  const isInline = k <= INLINE_RESULTS_MAX || !mayFetch;
  return {
    vector: request.vector,
    k,
    ef: request.ef,
    targetRecall: request.ef === undefined ? request.targetRecall : undefined,
    exact: request.exact,
    filter: request.filter,
    withPayload: request.withPayload && isInline,
    withVector: request.withVector && isInline,
  };
}

function winnersOf(
  schema: CollectionSchema,
  request: SearchRequest,
  found: { readonly parts: readonly ReadPart<Found>[]; readonly search: number },
): readonly Winner[] {
  const compare = compareScored(schema.metric);
  const lists = found.parts.map((part) =>
    present(part.value.value[found.search], 'the results of a search').points.map((point) => ({
      ...part,
      point,
    })),
  );
  const merged =
    lists.length === 1 ? present(lists[0], 'a list') : lists.flat().sort((a, b) => compare(a.point, b.point));
  return merged
    .slice(0, request.offset + request.limit)
    .filter(({ point }) => passesThreshold(schema.metric, point.score, request.scoreThreshold))
    .slice(request.offset);
}

function hit(
  request: SearchRequest,
  winner: ScoredPoint,
  content: { readonly payload?: Buffer | undefined; readonly vector?: Buffer | undefined },
): SearchHit {
  return {
    idKey: winner.idKey,
    isInteger: winner.isInteger,
    score: winner.score,
    payload: request.withPayload ? content.payload : undefined,
    vector: request.withVector ? content.vector : undefined,
  };
}

/** Undefined when the node that found the winners cannot be asked any more. */
async function fetchFrom(
  reader: ShardReader,
  target: SearchTarget,
  winners: readonly Winner[],
): Promise<readonly (StoredPoint | undefined)[] | undefined> {
  const points: readonly PointAddress[] = winners.map(({ point }) => ({
    shard: point.shard,
    idKey: point.idKey,
  }));
  const shards = present(winners[0], 'a winner').shards;
  const { deadlineMs } = target;
  const scope: ReadScope = { consistency: 'applied', shards, deadlineMs, pointDeadlineMs: deadlineMs };
  try {
    return (await reader.fetch(scope, target.schema.id, points)).value;
  } catch (error) {
    const failure = classifyFailure(error);
    if (failure.kind === 'refused') throw failure.error;
    return undefined;
  }
}

function byReader(winners: readonly Winner[]): ReadonlyMap<ShardReader, Winner[]> {
  const groups = new Map<ShardReader, Winner[]>();
  for (const winner of winners) {
    const group = groups.get(winner.reader);
    if (group === undefined) groups.set(winner.reader, [winner]);
    else group.push(winner);
  }
  return groups;
}

function spend(budget: { bytes: number }, hits: readonly SearchHit[]): void {
  for (const { payload, vector } of hits) {
    budget.bytes += bytesOf({ ...(payload && { payload }), ...(vector && { vector }) });
  }
  if (budget.bytes > ANSWER_BYTES_MAX) {
    const limit = `${ANSWER_BYTES_MAX / 1024 / 1024} MiB`;
    const message = `the answer has more than ${limit} of payloads and vectors; ask for fewer results or leave them out`;
    throw new GrapeError('PAYLOAD_TOO_LARGE', message);
  }
}

function staleness(parts: readonly ReadPart<Found>[]): number {
  return parts.reduce((most, part) => Math.max(most, part.value.stalenessMs), 0);
}
