import { appendFileSync } from 'node:fs';

/** One operation of a client on one key, as it is written to the history file. */
export interface Operation {
  readonly client: number;
  readonly op: 'put' | 'get' | 'delete';
  readonly key: string;
  /** What was put, or what a get found; null where there was nothing. */
  readonly value: string | null;
  /** Nanoseconds of one monotonic clock. */
  readonly call: number;
  /** Null: nobody knows whether and when it took effect. */
  readonly return: number | null;
  /** False: it surely had no effect. */
  readonly ok: boolean;
  /** Version of the point as the answer named it; of puts and of gets that found something. */
  readonly version?: number;
}

/** Keeps the operations in memory for the checkers and appends them to a file, one JSON object a line. */
export class History {
  readonly operations: Operation[] = [];
  readonly #file: string;
  #unwritten: string[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  add(operation: Operation): void {
    this.operations.push(operation);
    this.#unwritten.push(JSON.stringify(operation));
    if (this.#unwritten.length >= 1000) this.flush();
  }

  flush(): void {
    if (this.#unwritten.length > 0) appendFileSync(this.#file, `${this.#unwritten.join('\n')}\n`);
    this.#unwritten = [];
  }

  byKey(): Map<string, Operation[]> {
    const byKey = new Map<string, Operation[]>();
    for (const operation of this.operations) {
      const ofKey = byKey.get(operation.key);
      if (ofKey === undefined) byKey.set(operation.key, [operation]);
      else ofKey.push(operation);
    }
    return byKey;
  }
}

export function nowNs(): number {
  return Math.round(performance.now() * 1e6);
}
