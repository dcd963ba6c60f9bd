import { type Dataset, rowOf } from './dataset.ts';
import { HttpConnection } from './http-connection.ts';

export interface LoadOptions {
  readonly ports: readonly number[];
  readonly batchPoints: number;
  readonly connections: number;
  /** Called with the number of points acknowledged so far. */
  readonly onProgress?: (done: number) => void;
}

/** Upserts rows [from, to) of the data set in batches, row number = id; fails on the first refused batch. */
export async function loadPoints(
  data: Dataset,
  range: { from: number; to: number },
  options: LoadOptions,
): Promise<void> {
  let next = range.from;
  let done = 0;
  const worker = async (which: number): Promise<void> => {
    const port = options.ports[which % options.ports.length] as number;
    const connection = new HttpConnection({ host: '127.0.0.1', port });
    while (next < range.to) {
      const from = next;
      next = Math.min(from + options.batchPoints, range.to);
      const count = next - from;
      const answer = await connection.request('POST', '/vectors', batchBody(data, from, next));
      if (answer.status !== 200) {
        throw new Error(
          `upsert of points ${from}..${from + count - 1}: ${answer.status} ${answer.body.toString()}`,
        );
      }
      done += count;
      options.onProgress?.(done);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connections }, (_, i) => worker(i)));
}

/** One point as the body of `POST /vectors`. */
export function pointBody(data: Dataset, row: number): string {
  return `{"id":${row},"vector":${vectorText(rowOf(data.vectors, row, data.dimension))},"payload":${data.payloads[row] ?? '{}'}}`;
}

export function vectorText(vector: Float32Array): string {
  // Seven significant digits: what a client that prints float32 sends.
  return `[${Array.from(vector, (value) => Number(value.toPrecision(7))).join(',')}]`;
}

function batchBody(data: Dataset, from: number, to: number): string {
  const points = Array.from({ length: to - from }, (_, i) => pointBody(data, from + i));
  return `{"points":[${points.join(',')}]}`;
}
