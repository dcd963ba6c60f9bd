import { exactScore, IndexBatch, VectorIndex } from '../native/index.ts';
import type { IndexOptions, VectorIndexes } from './vector-index-port.ts';

/** Indexes of the addon. */
export const nativeIndexes: VectorIndexes = {
  create: ({ dimension, metric, m, efConstruction }) =>
    VectorIndex.create({ dimension, metric, m, efConstruction }),
  load: (path: string, _options: IndexOptions) => VectorIndex.load(path),
  batch: () => new IndexBatch(),
  score: exactScore,
};
