import type { FieldSpec } from './field-spec.ts';

interface Entry {
  readonly spec: FieldSpec;
  /** The vector index has the values of all of its points. */
  isReady: boolean;
}

/** The indexed fields of one collection on this node, and which of them a search may rely on. */
export class FieldTable {
  readonly #entries = new Map<number, Entry>();

  /** Every change is to bring the values of these. */
  get fed(): readonly FieldSpec[] {
    return [...this.#entries.values()].map(({ spec }) => spec);
  }

  get ready(): readonly FieldSpec[] {
    return [...this.#entries.values()].filter(({ isReady }) => isReady).map(({ spec }) => spec);
  }

  get building(): readonly FieldSpec[] {
    return [...this.#entries.values()].filter(({ isReady }) => !isReady).map(({ spec }) => spec);
  }

  /** These and no others from now on; answers the numbers of those that are gone. */
  set(specs: readonly FieldSpec[]): readonly number[] {
    const wanted = new Set(specs.map(({ number }) => number));
    const gone = [...this.#entries.keys()].filter((number) => !wanted.has(number));
    for (const number of gone) this.#entries.delete(number);
    for (const spec of specs) {
      if (!this.#entries.has(spec.number)) this.#entries.set(spec.number, { spec, isReady: false });
    }
    return gone;
  }

  setReady(specs: readonly FieldSpec[]): void {
    for (const { number } of specs) {
      const entry = this.#entries.get(number);
      if (entry !== undefined) entry.isReady = true;
    }
  }

  /** Another index takes the place of this one's: it was fed with `fed` from its beginning. */
  succeed({ fed }: FieldTable): void {
    const numbers = new Set(fed.map(({ number }) => number));
    for (const [number, entry] of this.#entries) entry.isReady = numbers.has(number);
  }
}
