import { GrapeError } from '../base/index.ts';
import { type CollectionSchema, type FieldType, parseFieldPath } from '../model/index.ts';
import type { IndexReport } from '../shard/index.ts';
import { collectionToRead, formedMap } from './formed.ts';
import type { CallOptions } from './points-service.ts';
import type { Directory } from './ports.ts';
import type { ReadRouter } from './read-router.ts';

export interface PayloadIndexInfo {
  readonly field: string;
  readonly type: FieldType;
  /** `building`: searches do not use it yet, they compare points one by one. */
  readonly state: 'building' | 'ready';
  /** Points with values of the type. */
  readonly points: number;
  /** Points with values of other types. */
  readonly skipped: number;
}

/** Indexes over fields of the payloads of the default collection. */
export class PayloadIndexes {
  readonly #directory: Directory;
  readonly #router: ReadRouter;

  constructor(deps: { readonly directory: Directory; readonly router: ReadRouter }) {
    this.#directory = deps.directory;
    this.#router = deps.router;
  }

  /** Throws INVALID_FILTER for what is no path, INDEX_CONFLICT, NOT_FOUND before the first write has made the collection. */
  async create(
    { field, type }: { readonly field: string; readonly type: FieldType },
    { deadlineMs }: CallOptions,
  ): Promise<PayloadIndexInfo> {
    parseFieldPath(field, 'field');
    const { id: collection } = this.#schema();
    await this.#directory.changeIndex({ kind: 'createIndex', collection, field, type }, deadlineMs);
    const known = (await this.list({ deadlineMs })).find((info) => info.field === field);
    return known ?? { field, type, state: 'building', points: 0, skipped: 0 };
  }

  /** Whether there was one. */
  async drop(field: string, { deadlineMs }: CallOptions): Promise<boolean> {
    const { id: collection, payloadIndexes } = this.#schema();
    await this.#directory.changeIndex({ kind: 'dropIndex', collection, field }, deadlineMs);
    return payloadIndexes.some((index) => index.field === field);
  }

  /** As the nodes see them that are read. */
  async list({ deadlineMs }: CallOptions): Promise<readonly PayloadIndexInfo[]> {
    const schema = collectionToRead(this.#directory);
    if (schema === undefined || schema.payloadIndexes.length === 0) return [];
    const shards = formedMap(this.#directory).shards.map(({ shard }) => shard);
    const parts = await this.#router.scatter(
      { shards, consistency: 'eventual', deadlineMs },
      (reader, scope) => reader.indexReports(scope, schema.id),
    );
    const reports = parts.map((part) => part.value.value);
    return schema.payloadIndexes.map(({ number, field, type }) => {
      const own = reports.map((part) => part.find((report) => report.number === number));
      return { field, type, ...summed(own) };
    });
  }

  #schema(): CollectionSchema {
    const schema = collectionToRead(this.#directory);
    if (schema !== undefined) return schema;
    throw new GrapeError('NOT_FOUND', 'there is no collection yet: the first write makes it');
  }
}

function summed(
  reports: readonly (IndexReport | undefined)[],
): Pick<PayloadIndexInfo, 'state' | 'points' | 'skipped'> {
  return {
    state: reports.every((report) => report?.isReady === true) ? 'ready' : 'building',
    points: reports.reduce((sum, report) => sum + (report?.points ?? 0), 0),
    skipped: reports.reduce((sum, report) => sum + (report?.skipped ?? 0), 0),
  };
}
