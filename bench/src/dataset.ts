import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const DIRECTORY = join(import.meta.dirname, '..', 'data');
const DIMENSION = 384;

/** Real embeddings with payloads; see bench/data/README.md. Row i of `vectors` is the point with id i. */
export interface Dataset {
  readonly dimension: number;
  /** `[count, dimension]` row-major. */
  readonly vectors: Float32Array;
  readonly payloads: readonly string[];
  /** `[queryCount, dimension]` row-major; none of them is among the points. */
  readonly queries: Float32Array;
  readonly count: number;
  readonly queryCount: number;
}

/** `sample`: the 4,000 points of `make run`; `full`: those and 16,000 more. */
export async function loadDataset(name: 'sample' | 'full'): Promise<Dataset> {
  const parts = name === 'sample' ? ['sample'] : ['sample', 'extension'];
  const vectors = concat(await Promise.all(parts.map((part) => readHalfFloats(`${part}.f16`))));
  const payloads = (await Promise.all(parts.map(readLines))).flat();
  const queries = await readHalfFloats('queries.f16');
  return {
    dimension: DIMENSION,
    vectors,
    payloads,
    queries,
    count: vectors.length / DIMENSION,
    queryCount: queries.length / DIMENSION,
  };
}

/** Row `row` of a row-major matrix, as a view. */
export function rowOf(matrix: Float32Array, row: number, dimension: number): Float32Array {
  return matrix.subarray(row * dimension, (row + 1) * dimension);
}

/** Ids of the `k` points nearest to each query by cosine, best first: `[queryCount][k]`. */
export function exactNeighbours(data: Dataset, k: number): number[][] {
  const norms = Float64Array.from({ length: data.count }, (_, row) => {
    const vector = rowOf(data.vectors, row, data.dimension);
    return Math.sqrt(dot(vector, vector));
  });
  return Array.from({ length: data.queryCount }, (_, query) => {
    const vector = rowOf(data.queries, query, data.dimension);
    const scores = Float64Array.from(
      norms,
      (norm, row) => dot(vector, rowOf(data.vectors, row, data.dimension)) / norm,
    );
    return bestOf(scores, k);
  });
}

function bestOf(scores: Float64Array, k: number): number[] {
  const order = Array.from(scores.keys());
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  return order.slice(0, k);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

async function readHalfFloats(file: string): Promise<Float32Array> {
  const bytes = await readFile(join(DIRECTORY, file));
  const copy = new Uint8Array(bytes).buffer;
  return Float32Array.from(new Float16Array(copy));
}

async function readLines(part: string): Promise<string[]> {
  const packed = await readFile(join(DIRECTORY, `${part}.jsonl.gz`));
  return gunzipSync(packed).toString('utf8').trimEnd().split('\n');
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
