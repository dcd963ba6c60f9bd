import {
  NO_PAYLOAD_INDEXES,
  type IndexedCollection,
  parsePointId,
  type PointWrite,
} from '../../model/index.ts';
import { type Command, type CommittedEntry, type Delete, encodeCommand, type Upsert } from '../index.ts';

export const SCHEMA: IndexedCollection = {
  id: 1,
  name: 'default',
  dimension: 3,
  metric: 'cosine',
  m: 16,
  ...NO_PAYLOAD_INDEXES,
  binaryQuantization: false,
};

export function point(id: string | number, vector: readonly number[], payload: object = { id }): PointWrite {
  return {
    id: parsePointId(id),
    vector: Buffer.from(new Float32Array(vector).buffer),
    payload: Buffer.from(JSON.stringify(payload)),
  };
}

export function upsert(...points: readonly PointWrite[]): Upsert {
  return { kind: 'upsert', collection: SCHEMA.id, points };
}

export function remove(...ids: readonly (string | number)[]): Delete {
  return { kind: 'delete', collection: SCHEMA.id, ids: ids.map((id) => parsePointId(id).key) };
}

/** An entry with a command, or the no-op of a new leader. */
export function entry(index: number, command?: Command): CommittedEntry {
  const data =
    command === undefined ? Buffer.alloc(0) : encodeCommand(command, { wallMs: 1_700_000_000_000 });
  return { index, term: 1, kind: 'normal', data };
}
