import { type Answer, HttpConnection } from './http-connection.ts';
import { type LatencySummary, summarise } from './stats.ts';

export interface Call {
  readonly path: string;
  readonly body: string | Buffer;
  /** `application/json` by default. */
  readonly contentType?: string;
}

export interface LoopOptions {
  readonly ports: readonly number[];
  readonly connections: number;
  /** How many calls in all. */
  readonly calls: number;
  /** The i-th call. */
  readonly make: (i: number) => Call;
  readonly onAnswer?: (i: number, answer: Answer) => void;
}

/** Closed loop: every connection sends its next call when the last is answered. Fails on the first refused call. */
export async function closedLoop(options: LoopOptions): Promise<LatencySummary> {
  const latenciesMs: number[] = [];
  let next = 0;
  const start = performance.now();
  const worker = async (which: number): Promise<void> => {
    const port = options.ports[which % options.ports.length] as number;
    const connection = new HttpConnection({ host: '127.0.0.1', port });
    while (next < options.calls) {
      const i = next++;
      const call = options.make(i);
      const sent = performance.now();
      const answer = await connection.request('POST', call.path, call.body, call.contentType);
      latenciesMs.push(performance.now() - sent);
      if (answer.status !== 200) throw new Error(`${call.path}: ${answer.status} ${answer.body.toString()}`);
      options.onAnswer?.(i, answer);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connections }, (_, i) => worker(i)));
  return summarise(latenciesMs, performance.now() - start);
}
