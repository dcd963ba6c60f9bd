import { GrapeError } from '../base/index.ts';
import { FieldReader } from './fields.ts';

/** The addresses are for nodes that are added. */
const JOIN = { keys: new Set(['node_id']), laterKeys: new Set(['address', 'raft_address']) };

export interface JoinRequest {
  readonly nodeId: string;
}

/** Throws a `GrapeError` that names the first bad field. */
export function parseJoin(body: unknown): JoinRequest {
  const nodeId = new FieldReader(body, '', JOIN).required('node_id');
  if (typeof nodeId !== 'string' || nodeId === '')
    throw new GrapeError('INVALID_REQUEST', 'node_id must be the id of a node');
  return { nodeId };
}
