import { parseJson } from '../../model/index.ts';
import type { IndexBatch, SlotAddress } from '../vector-index-port.ts';
import { type FieldSpec, fieldValuesOf } from './field-spec.ts';

/** Adds the values of the indexed fields of a point that `batch`, or the index already, has in this version. */
export function addFieldValues(
  batch: IndexBatch,
  fields: readonly FieldSpec[],
  { payload, ...address }: SlotAddress & { readonly payload: Buffer },
): void {
  if (fields.length === 0) return;
  const parsed = parseJson(payload);
  for (const spec of fields) {
    const values = fieldValuesOf(spec, parsed);
    if (values !== undefined) batch.values({ ...address, field: spec.number, values });
  }
}
