import { GrapeError } from '../base/index.ts';
import { FIELD_TYPES, type FieldType } from './collection.ts';
import { FieldReader } from './fields.ts';
import { parseFieldPath } from './filter/index.ts';

export interface CreateIndexRequest {
  /** A path that `parseFieldPath` takes. */
  readonly field: string;
  readonly type: FieldType;
}

const CREATE_INDEX = { keys: new Set(['field', 'type']), laterKeys: new Set<string>() };

/** `{"field": "address.city", "type": "keyword"}`. Throws INVALID_REQUEST among others. */
export function parseCreateIndex(body: unknown): CreateIndexRequest {
  const fields = new FieldReader(body, '', CREATE_INDEX);
  const { text } = parseFieldPath(fields.required('field'), 'field');
  const given = fields.required('type');
  const type = FIELD_TYPES.find((known) => known === given);
  if (type === undefined)
    throw new GrapeError('INVALID_REQUEST', `type must be one of ${FIELD_TYPES.join(', ')}`);
  return { field: text, type };
}
