import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Dataset, exactNeighbours, loadDataset } from '../dataset.ts';

export interface DatasetWithTruth {
  readonly data: Dataset;
  /** Ids of the exact nearest points of every query, best first. */
  readonly truth: readonly (readonly number[])[];
}

interface Meta {
  readonly base: number;
  readonly queries: number;
  readonly dim: number;
  readonly truth_top: number;
}

/**
 * The bundled set, or a directory with `meta.json` (`base`, `queries`, `dim`, `truth_top`), `base.f16.bin` and `queries.f16.bin`
 * (float16, row-major), `base.jsonl.gz` (payloads, a line each) and `truth.i32.bin` (ids, row-major), all little-endian.
 */
export async function datasetOf(directory: string | undefined, k: number): Promise<DatasetWithTruth> {
  if (directory === undefined) {
    const data = await loadDataset('full');
    return { data, truth: exactNeighbours(data, k) };
  }
  const meta = JSON.parse(await readFile(join(directory, 'meta.json'), 'utf8')) as Meta;
  const truth = new Int32Array(await bytesOf(directory, 'truth.i32.bin'));
  const rows = Array.from({ length: meta.queries }, (_, row) => {
    const first = row * meta.truth_top;
    return Array.from(truth.subarray(first, first + k));
  });
  const payloads = gunzipSync(await readFile(join(directory, 'base.jsonl.gz'))).toString('utf8');
  return {
    data: {
      dimension: meta.dim,
      vectors: Float32Array.from(new Float16Array(await bytesOf(directory, 'base.f16.bin'))),
      queries: Float32Array.from(new Float16Array(await bytesOf(directory, 'queries.f16.bin'))),
      payloads: payloads.trimEnd().split('\n'),
      count: meta.base,
      queryCount: meta.queries,
    },
    truth: rows,
  };
}

async function bytesOf(directory: string, file: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(join(directory, file))).buffer;
}
