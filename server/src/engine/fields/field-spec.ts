import type { FieldPath, FieldType } from '../../model/index.ts';
import { elementsOf, fieldValues } from '../filter/field-values.ts';
import { addValue } from './field-type.ts';
import { PackedValues } from './packed-values.ts';

/** An indexed field of the payloads of a collection. */
export interface FieldSpec {
  /** Its number in the vector index, 0 to 65,535. */
  readonly number: number;
  readonly path: FieldPath;
  readonly type: FieldType;
}

/** What an index keeps of a payload, as `parseJson` reads it; undefined: nothing. */
export function fieldValuesOf({ path, type }: FieldSpec, payload: unknown): Buffer | undefined {
  const packed = new PackedValues();
  for (const value of elementsOf(fieldValues(payload, path))) addValue(type, value, packed);
  return packed.count === 0 ? undefined : packed.finish();
}
