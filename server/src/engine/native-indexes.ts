import { exactScore, IndexBatch, VectorIndex, VectorIndexError } from '../native/index.ts';
import type { IndexOptions, LoadedIndex, VectorIndexes } from './vector-index-port.ts';

/** Indexes of the addon. */
export const nativeIndexes: VectorIndexes = {
  create: ({ dimension, metric, m, efConstruction, binaryQuantization }) =>
    VectorIndex.create({ dimension, metric, m, efConstruction, binaryQuantization }),
  load,
  batch: () => new IndexBatch(),
  score: exactScore,
};

async function load(path: string, wanted: IndexOptions): Promise<LoadedIndex | undefined> {
  let loaded;
  try {
    loaded = await VectorIndex.load(path);
  } catch (error) {
    if (error instanceof VectorIndexError && error.code === 'INDEX_NOT_FOUND') return undefined;
    throw error;
  }
  if (fits(loaded.index.options, wanted)) return loaded;
  await loaded.index.close();
  throw new Error('the file belongs to a collection with another schema');
}

/** Another efConstruction is no reason to rebuild: it only decides how new points are linked. */
function fits(found: IndexOptions, wanted: IndexOptions): boolean {
  return (
    found.dimension === wanted.dimension &&
    found.metric === wanted.metric &&
    found.m === wanted.m &&
    found.binaryQuantization === wanted.binaryQuantization
  );
}
