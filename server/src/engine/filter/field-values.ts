import type { FieldPath, Step } from '../../model/index.ts';

/** The values at a path in a payload; none when it leads nowhere. */
export function fieldValues(payload: unknown, path: FieldPath): readonly unknown[] {
  let values: unknown[] = [payload];
  for (const step of path.steps) {
    values = values.flatMap((value) => stepInto(value, step));
    if (values.length === 0) return values;
  }
  return values;
}

/** A value, or each element of it when it is an array. */
export function elementsOf(values: readonly unknown[]): readonly unknown[] {
  return values.some(Array.isArray) ? values.flat(1) : values;
}

function stepInto(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (step.kind === 'key') {
    if (Array.isArray(value) || !Object.hasOwn(value, step.key)) return [];
    return [(value as Record<string, unknown>)[step.key]];
  }
  if (!Array.isArray(value)) return [];
  if (step.kind === 'all') return value;
  return step.index < value.length ? [value[step.index]] : [];
}
