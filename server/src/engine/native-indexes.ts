import { access } from 'node:fs/promises';
import { exactScore, IndexBatch, VectorIndex } from '../native/index.ts';
import type { VectorIndexes } from './vector-index-port.ts';

/** Indexes of the addon. */
export const nativeIndexes: VectorIndexes = {
  create: ({ dimension, metric, m, efConstruction }) =>
    VectorIndex.create({ dimension, metric, m, efConstruction }),
  load: async (path) => ((await isThere(path)) ? VectorIndex.load(path) : undefined),
  batch: () => new IndexBatch(),
  score: exactScore,
};

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
