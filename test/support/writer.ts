import { setTimeout as sleep } from 'node:timers/promises';
import { call, errorCode } from './client.ts';
import { vectorOf } from './vectors.ts';

/** Writes points one after another through several nodes until stopped, and remembers which were acknowledged. */
export class BackgroundWriter {
  readonly acknowledged: number[] = [];
  /** How often writes were answered with an error of this code. */
  readonly refused = new Map<string, number>();
  /** Longest time between two acknowledgements, in ms. */
  longestGapMs = 0;
  #stopped = false;
  readonly #options: { urls: () => string[]; dimension: number; firstId: number };
  readonly #done: Promise<void>;

  constructor(options: { urls: () => string[]; dimension: number; firstId: number; parallel?: number }) {
    this.#options = options;
    const parallel = options.parallel ?? 4;
    this.#done = Promise.all(Array.from({ length: parallel }, (_, i) => this.#run(i, parallel))).then(
      () => undefined,
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(which: number, stride: number): Promise<void> {
    let lastMs = performance.now();
    for (let i = which; !this.#stopped; i += stride) {
      const id = this.#options.firstId + i;
      const urls = this.#options.urls();
      const url = urls[i % urls.length];
      if (url === undefined) {
        // Nobody runs now; asking again at once would let nobody else do anything.
        await sleep(20);
        continue;
      }
      // A write that fails is outcome unknown and not repeated: only acknowledged ids are promised.
      const reply = await call(url, 'POST', '/vectors?timeout_ms=2000', {
        id,
        vector: vectorOf(id, this.#options.dimension),
        payload: { id },
      }).catch(() => undefined);
      if (reply !== undefined && reply.status !== 200) {
        const code = errorCode(reply) ?? String(reply.status);
        this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
      }
      if (reply?.status !== 200) continue;
      this.acknowledged.push(id);
      this.longestGapMs = Math.max(this.longestGapMs, performance.now() - lastMs);
      lastMs = performance.now();
    }
  }
}
