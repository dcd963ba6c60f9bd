import type { Call } from '../closed-loop.ts';
import { type Dataset, rowOf } from '../dataset.ts';
import { vectorText } from '../load-points.ts';

export const FORMATS = ['json', 'binary'] as const;
export type Format = (typeof FORMATS)[number];

/** A search for each query of the set. */
export function searchCalls(
  data: Dataset,
  format: Format,
  o: { readonly k: number; readonly ef: number },
): Call[] {
  const { k, ef } = o;
  return Array.from({ length: data.queryCount }, (_, row): Call => {
    const vector = rowOf(data.queries, row, data.dimension);
    if (format === 'json') {
      const body = `{"limit":${k},"ef":${ef},"with_payload":false,"vector":${vectorText(vector)}}`;
      return { path: '/vectors/search', body };
    }
    return {
      path: `/vectors/search?limit=${k}&ef=${ef}&with_payload=false`,
      body: Buffer.from(vector.slice().buffer),
      contentType: 'application/x-grape-f32',
    };
  });
}
