import type { FieldReader } from './fields.ts';
import { parseFilter } from './filter/index.ts';
import type { FilterText } from './requests.ts';

/** The `filter` of a request, when there is one. Throws as `parseFilter`. */
export function parseFilterText(fields: FieldReader): FilterText | undefined {
  const value = fields.value('filter');
  if (value === undefined) return undefined;
  parseFilter(value, fields.path('filter'));
  return JSON.stringify(value);
}
