import { loadNative } from './load.ts';

declare const kind: unique symbol;
/** Opaque: only the addon looks inside. The garbage collector closes what nobody closed. */
export interface IndexHandle {
  readonly [kind]: 'index';
}

/** What the addon counts of an index. */
export interface IndexStats {
  /** Ever added and not yet given back, `live + dead`. */
  readonly slots: number;
  readonly live: number;
  /** Removed or replaced; they cost memory until the index is made anew. */
  readonly dead: number;
  /** In the graph. */
  readonly linked: number;
  /** Slots that searches scan because the graph does not hold them yet. */
  readonly unlinked: number;
  /** Memory of all parts together. */
  readonly bytes: number;
  /** Of `bytes`: the codes that walks compare. */
  readonly codeBytes: number;
  /** Of `bytes`: the float32 vectors that results are scored with. */
  readonly originalBytes: number;
  /** Of `bytes`: the graph, with what linking needs of it. */
  readonly graphBytes: number;
  /** Linking has failed for want of memory and will not go on; searches stay right and become slow. */
  readonly linkFailed: boolean;
}

export interface LoadedIndex {
  readonly handle: IndexHandle;
  readonly tag: Buffer;
  readonly dimension: number;
  readonly metric: number;
  readonly m: number;
  readonly efConstruction: number;
  readonly binaryQuantization: boolean;
}

/** The functions of `server/native/src/search/init.cc`. Promises are rejected with `{code, message}`. */
export interface IndexAddon {
  indexCreate(
    dimension: number,
    metric: number,
    m: number,
    efConstruction: number,
    binaryQuantization: boolean,
  ): IndexHandle;
  indexApply(index: IndexHandle, batch: Buffer): Promise<void>;
  indexSearch(
    index: IndexHandle,
    queries: Float32Array,
    k: number,
    ef: number,
    exact: boolean,
    shards: Uint32Array,
    filter: Buffer | undefined,
  ): Promise<Buffer>;
  /** What was to be found, then what was found with each of `efs`. */
  indexRecall(
    index: IndexHandle,
    queries: number | Float32Array,
    k: number,
    efs: Uint32Array,
    shards: Uint32Array,
    seed: number,
  ): Promise<Float64Array>;
  /** Points with values of the type of the index, and with others. */
  indexFieldCounts(index: IndexHandle, field: number, shards: Uint32Array): Promise<Float64Array>;
  indexSave(index: IndexHandle, path: string, tag: Buffer): Promise<void>;
  indexLoad(path: string): Promise<LoadedIndex>;
  indexStats(index: IndexHandle): IndexStats | undefined;
  indexClose(index: IndexHandle): void;
  exactScore(metric: number, a: Float32Array, b: Float32Array): number;
}

export function indexAddon(): IndexAddon {
  return loadNative() as IndexAddon;
}
