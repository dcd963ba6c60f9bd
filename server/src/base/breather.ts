/**
 * Splits long synchronous work on the main thread: elections, heartbeats and other requests wait while it runs. A worker
 * counts what it did and rests when it was enough:
 * `for (..) { work(); if (breather.spend(1)) await breather.rest(); }`
 */
export class Breather {
  readonly #unitsMax: number;
  #units = 0;

  /** `unitsMax` is about two milliseconds of work, in whatever unit the caller counts. */
  constructor(unitsMax: number) {
    this.#unitsMax = unitsMax;
  }

  /** True when it is time to rest. */
  spend(units: number): boolean {
    this.#units += units;
    return this.#units >= this.#unitsMax;
  }

  /** Everything else that is due gets its turn first. */
  rest(): Promise<void> {
    this.#units = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
