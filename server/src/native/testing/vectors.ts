import { seededRandom } from '../../base/index.ts';

/** `count` vectors near one of `clusters` centres: structured as embeddings are, other than uniform noise. */
export function clusteredVectors(o: {
  readonly count: number;
  readonly dimension: number;
  readonly clusters: number;
  readonly seed: number;
}): Float32Array[] {
  const random = seededRandom(o.seed);
  const uniform = (): number => random.next() * 2 - 1;
  const centres = Array.from({ length: o.clusters }, () =>
    Float32Array.from({ length: o.dimension }, uniform),
  );
  return Array.from({ length: o.count }, (_, i) =>
    Float32Array.from(centres[i % o.clusters] ?? [], (value) => value + uniform() * 0.6),
  );
}
