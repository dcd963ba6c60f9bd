import { GrapeError, invariant } from '../../base/index.ts';
import type { Metric } from '../../model/index.ts';
import {
  type Command,
  type CommandResult,
  type CountQuery,
  decodeCommand,
  matches,
  type RetryTag,
  type IndexReport,
  type ScoredPoint,
  type ScrollPage,
  type ScrollQuery,
  type SearchQuery,
  type StoredPoint,
} from '../../shard/index.ts';
import { compareScored } from '../merge.ts';
import type { LocalFetch, LocalShards } from '../ports.ts';

/** The replicas of one node as maps: every answer is computed in the most obvious way. */
export class MemoryShards implements LocalShards {
  readonly #metric: Metric;
  readonly #points = new Map<number, Map<string, StoredPoint>>();
  readonly #applied = new Map<number, number>();
  readonly #logTimeMs = new Map<number, number>();
  readonly #named = new Map<string, { digest: Buffer; results: Map<number, CommandResult> }>();
  /** Called before a fetch reads anything: tests change points between a search and its fetch here. */
  beforeFetch: () => void = () => undefined;
  /** What it says of payload indexes. */
  indexes: readonly IndexReport[] = [];

  constructor(metric: Metric) {
    this.#metric = metric;
  }

  open(shard: number): void {
    this.#points.set(shard, new Map());
  }

  applied(shard: number): number {
    return this.#applied.get(shard) ?? 0;
  }

  logTimeMs(shard: number): number {
    return this.#logTimeMs.get(shard) ?? 0;
  }

  apply(shard: number, index: number, bytes: Buffer): CommandResult {
    this.#applied.set(shard, index);
    const { header, command } = decodeCommand(bytes);
    this.#logTimeMs.set(shard, Math.max(this.logTimeMs(shard), header.wallMs));
    const run = (): CommandResult => this.#run(this.#shard(shard), { shard, index }, command);
    return header.retry === undefined ? run() : this.#once(shard, header.retry, run);
  }

  async search(query: SearchQuery): Promise<readonly ScoredPoint[]> {
    await Promise.resolve();
    return this.#passing(query)
      .map((point) => ({ ...point, score: score(this.#metric, query.query, floats(point.vector)) }))
      .sort(compareScored(this.#metric))
      .slice(0, query.k)
      .map(({ payload, vector, ...rest }) => ({
        ...rest,
        ...(query.withPayload && { payload }),
        ...(query.withVector && { vector }),
      }));
  }

  async fetch(query: LocalFetch): Promise<readonly (StoredPoint | undefined)[]> {
    await Promise.resolve();
    this.beforeFetch();
    return query.points.map(({ shard, idKey }) => this.#shard(shard).get(idKey.toString('hex')));
  }

  async scroll(query: ScrollQuery): Promise<ScrollPage> {
    await Promise.resolve();
    const { after, limit } = query;
    const passing = this.#passing(query)
      .filter((point) => after === undefined || Buffer.compare(point.idKey, after) > 0)
      .sort((a, b) => Buffer.compare(a.idKey, b.idKey));
    const points = passing.slice(0, limit);
    return { points, through: passing.length > limit ? points.at(-1)?.idKey : undefined };
  }

  count(query: CountQuery): Promise<number> {
    return Promise.resolve(this.#passing(query).length);
  }

  indexReports(): Promise<readonly IndexReport[]> {
    return Promise.resolve(this.indexes);
  }

  #passing({ shards, filter }: Pick<ScrollQuery, 'shards' | 'filter'>): StoredPoint[] {
    return this.#all(shards).filter((point) => filter === undefined || matches(filter.matcher, point));
  }

  /** Of the rules of names only what the service builds on: the first result, and another write under the name. */
  #once(shard: number, { scope, name, digest, chunk }: RetryTag, run: () => CommandResult): CommandResult {
    const key = `${shard} ${scope} ${name.toString('hex')}`;
    const known = this.#named.get(key) ?? { digest, results: new Map<number, CommandResult>() };
    if (!known.digest.equals(digest)) {
      return { kind: 'refused', code: 'IDEMPOTENCY_KEY_REUSED', message: 'used for another write' };
    }
    const result = known.results.get(chunk) ?? run();
    known.results.set(chunk, result);
    this.#named.set(key, known);
    return result;
  }

  #run(
    points: Map<string, StoredPoint>,
    at: { readonly shard: number; readonly index: number },
    command: Command,
  ): CommandResult {
    if (command.kind === 'claim') return { kind: 'none' };
    if (command.kind === 'note') return { kind: 'noted', value: command.value, index: at.index };
    const versionOf = (id: Buffer): number => points.get(id.toString('hex'))?.version ?? 0;
    const first = command.kind === 'delete' ? command.ids[0] : command.points[0]?.id.key;
    if (command.ifVersion !== undefined && versionOf(first as Buffer) !== command.ifVersion)
      return { kind: 'refused', code: 'VERSION_MISMATCH', message: 'another version' };
    if (command.kind === 'delete') {
      const { ids, upTo } = command;
      const isMeant = (id: Buffer, i: number): boolean => versionOf(id) <= (upTo?.[i] ?? Infinity);
      return {
        kind: 'deleted',
        deleted: ids.map((id, i) => isMeant(id, i) && points.delete(id.toString('hex'))),
      };
    }
    for (const { id, vector, payload } of command.points) {
      const { key, isInteger } = id;
      points.set(key.toString('hex'), {
        idKey: key,
        isInteger,
        version: at.index,
        vector,
        payload,
        shard: at.shard,
      });
    }
    return { kind: 'upserted', version: at.index };
  }

  #all(shards: readonly number[]): StoredPoint[] {
    return shards.flatMap((shard) => [...this.#shard(shard).values()]);
  }

  #shard(shard: number): Map<string, StoredPoint> {
    const points = this.#points.get(shard);
    if (points === undefined) throw new GrapeError('INTERNAL', `shard ${shard} is not open`);
    return points;
  }
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer);
}

function score(metric: Metric, a: Float32Array, b: Float32Array): number {
  invariant(a.length === b.length, 'vectors that are compared have one dimension');
  const sum = (term: (x: number, y: number) => number): number =>
    a.reduce((total, x, i) => total + term(x, b[i] ?? 0), 0);
  switch (metric) {
    case 'dot':
      return Math.fround(sum((x, y) => x * y));
    case 'cosine':
      return Math.fround(sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_x, y) => y * y)));
    case 'euclidean':
      return Math.fround(Math.sqrt(sum((x, y) => (x - y) ** 2)));
  }
}
