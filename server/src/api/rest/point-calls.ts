import type { IncomingHttpHeaders } from 'node:http';

import { type Clock, GrapeError } from '../../base/index.ts';
import {
  type Consistency,
  parseConsistency,
  parseCreateIndex,
  parseDeleteCondition,
  parseJson,
  parsePointIdFromPath,
  type PointId,
  pointIdText,
} from '../../model/index.ts';
import type { QueryOp } from '../../observability/index.ts';
import type { PointsService, Read, RetryName } from '../../service/index.ts';
import { type BodyKind, type BodyParser, type ParsedBodies, validateBody } from '../parse/index.ts';
import { bodyFormat } from './content-type.ts';
import type { Answer } from './error-answer.ts';
import {
  countAnswer,
  deleteAnswer,
  deleteManyAnswer,
  patchAnswer,
  pointAnswer,
  scrollAnswer,
  searchAnswer,
  searchBatchAnswer,
  stalenessHeader,
  upsertAnswer,
} from './point-answers.ts';
import type { Query } from './query.ts';

/** What a call on points is given. */
export interface PointCallInput {
  readonly headers: IncomingHttpHeaders;
  readonly query: Query;
  /** The percent-decoded id of the path; empty on calls without one. */
  readonly idText: string;
  /** The whole body; empty on calls without one. */
  readonly body: Buffer;
  readonly startMs: number;
  readonly deadlineMs: number;
  /** Of a write that names itself. */
  readonly retry: RetryName | undefined;
}

export interface PointCallDeps {
  readonly points: PointsService;
  readonly parser: BodyParser;
  readonly clock: Clock;
}

export interface PointCall {
  readonly op: QueryOp;
  /** Known query parameters beside `timeout_ms`. */
  readonly queryKeys: readonly string[];
  readonly hasBody: boolean;
  readonly isWrite?: boolean;
  /** The body may be a raw vector; then the parameters are in the query. */
  readonly allowsF32?: boolean;
  run(input: PointCallInput, deps: PointCallDeps): Promise<Answer>;
}

const SEARCH_PARAMETERS = {
  numbers: ['limit', 'offset', 'score_threshold', 'ef', 'target_recall'],
  booleans: ['with_payload', 'with_vector', 'exact'],
} as const;

export const POINT_CALLS = {
  upsert: {
    op: 'upsert',
    queryKeys: [],
    hasBody: true,
    isWrite: true,
    async run(input, deps) {
      const request = await parsed('upsert', input, deps);
      const result = await deps.points.upsert(request, input);
      const id = request.single ? request.points[0]?.id : undefined;
      return { ...ok(upsertAnswer(id, result)), ...(id !== undefined && leaderOf(id, deps)) };
    },
  },
  get: {
    op: 'get',
    queryKeys: ['with_vector', 'consistency'],
    hasBody: false,
    async run({ idText, query, deadlineMs }, deps) {
      const id = parsePointIdFromPath(idText);
      const consistency = parseConsistency(query.text('consistency') ?? 'strong');
      const withVector = query.boolean('with_vector') ?? false;
      const read = await deps.points.get(id, { consistency, deadlineMs });
      if (read.value === undefined) throw notFound(id);
      return {
        ...ok(pointAnswer(read.value, withVector), eventual(consistency, read)),
        ...leaderOf(id, deps),
      };
    },
  },
  delete: {
    op: 'delete',
    queryKeys: ['if_version'],
    hasBody: true,
    isWrite: true,
    async run({ idText, body, ...options }, deps) {
      const id = parsePointIdFromPath(idText);
      refuseContent(body);
      const condition = parseDeleteCondition(options.query.number('if_version'));
      const deleted = await deps.points.delete(id, options, condition);
      return { ...ok(deleteAnswer(id, deleted)), ...leaderOf(id, deps) };
    },
  },
  patch: {
    op: 'patch',
    queryKeys: [],
    hasBody: true,
    isWrite: true,
    async run(input, deps) {
      const id = parsePointIdFromPath(input.idText);
      const patched = await deps.points.patch(id, await parsed('patch', input, deps), input);
      return { ...ok(patchAnswer(id, patched)), ...leaderOf(id, deps) };
    },
  },
  deleteMany: {
    op: 'delete',
    queryKeys: [],
    hasBody: true,
    isWrite: true,
    async run(input, deps) {
      const request = await parsed('delete', input, deps);
      return ok(deleteManyAnswer(await deps.points.deleteMany(request, input)));
    },
  },
  search: {
    op: 'search',
    queryKeys: ['explain'],
    hasBody: true,
    allowsF32: true,
    async run(input, deps) {
      const request =
        bodyFormat(input.headers, true) === 'f32'
          ? parsedF32(input, deps)
          : await parsed('search', input, deps);
      const explain = input.query.boolean('explain') ?? false;
      const read = await deps.points.search(request, { ...input, explain });
      const answer = await searchAnswer(read.value, {
        plans: explain ? read.plans : undefined,
        tookMs: () => deps.clock.nowMs() - input.startMs,
      });
      return ok(answer, eventual(request.consistency, read));
    },
  },
  searchBatch: {
    op: 'search_batch',
    queryKeys: [],
    hasBody: true,
    async run(input, deps) {
      const requests = await parsed('search_batch', input, deps);
      const read = await deps.points.searchBatch(requests, input);
      const isEventual = requests.every(({ consistency }) => consistency === 'eventual');
      const headers = eventual(isEventual ? 'eventual' : 'strong', read);
      return ok(await searchBatchAnswer(read.value, () => deps.clock.nowMs() - input.startMs), headers);
    },
  },
  scroll: {
    op: 'scroll',
    queryKeys: [],
    hasBody: true,
    async run(input, deps) {
      const request = await parsed('scroll', input, deps);
      const read = await deps.points.scroll(request, input);
      return ok(await scrollAnswer(read.value, request), eventual(request.consistency, read));
    },
  },
  indexes: {
    op: 'indexes',
    queryKeys: [],
    hasBody: false,
    async run({ deadlineMs }, deps) {
      return ok(JSON.stringify({ indexes: await deps.points.indexes.list({ deadlineMs }) }));
    },
  },
  createIndex: {
    op: 'indexes',
    queryKeys: [],
    hasBody: true,
    async run({ body, deadlineMs }, deps) {
      const request = parseCreateIndex(parseJson(body));
      return {
        ...ok(JSON.stringify(await deps.points.indexes.create(request, { deadlineMs }))),
        status: 202,
      };
    },
  },
  dropIndex: {
    op: 'indexes',
    queryKeys: [],
    hasBody: true,
    async run({ idText: field, body, deadlineMs }, deps) {
      refuseContent(body);
      const deleted = await deps.points.indexes.drop(field, { deadlineMs });
      return ok(JSON.stringify({ field, status: 'ok', deleted }));
    },
  },
  count: {
    op: 'count',
    queryKeys: [],
    hasBody: true,
    async run(input, deps) {
      const request = await parsed('count', input, deps);
      const read = await deps.points.count(request, input);
      return ok(countAnswer(read.value), eventual(request.consistency, read));
    },
  },
} as const satisfies Record<string, PointCall>;

/** Query parameters that a call knows: those of a raw search only with its content type. */
export function queryKeysOf(call: PointCall, isF32: boolean): readonly string[] {
  const own = isF32
    ? [...SEARCH_PARAMETERS.numbers, ...SEARCH_PARAMETERS.booleans, 'filter', 'consistency']
    : [];
  return [...call.queryKeys, ...own, 'timeout_ms'];
}

function parsed<K extends BodyKind>(
  kind: K,
  input: PointCallInput,
  deps: PointCallDeps,
): Promise<ParsedBodies[K]> {
  return deps.parser.parse(kind, input.body, deps.points.parseContext());
}

/** The rules of a JSON search hold for a raw one too, so it is checked by the same code. */
function parsedF32({ body, query }: PointCallInput, { points }: PointCallDeps): ParsedBodies['search'] {
  if (body.length % 4 !== 0)
    throw new GrapeError('INVALID_VECTOR', 'the body is not a whole number of float32 values');
  // Copied: a body need not begin where floats may. Every platform of ours is little-endian.
  const vector = new Float32Array(new Uint8Array(body).buffer);
  const filter = query.text('filter');
  const parameters: Record<string, unknown> = { vector, consistency: query.text('consistency') };
  if (filter !== undefined) parameters['filter'] = parseJson(filter);
  for (const key of SEARCH_PARAMETERS.numbers) parameters[key] = query.number(key);
  for (const key of SEARCH_PARAMETERS.booleans) parameters[key] = query.boolean(key);
  const given = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
  return validateBody('search', given, points.parseContext()).request as ParsedBodies['search'];
}

/** What a body adds must not be overlooked. */
function refuseContent(body: Buffer): void {
  if (body.length === 0) return;
  const value = parseJson(body);
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return;
  throw new GrapeError('UNKNOWN_KEY', 'a delete by path takes no body; if_version is a query parameter');
}

function eventual(consistency: Consistency, read: Read<unknown>): Record<string, string> {
  return consistency === 'eventual' ? stalenessHeader(read) : {};
}

function leaderOf(id: PointId, { points }: PointCallDeps): { readonly leader: string | undefined } {
  return { leader: points.locate(id)?.leader };
}

function notFound(id: PointId): GrapeError {
  return new GrapeError('NOT_FOUND', `there is no point ${JSON.stringify(pointIdText(id.key))}`);
}

function ok(body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, body, headers };
}
