import type { Operation } from './history.ts';

/** `undecided`: the search was given up; whoever asks must not take it for a yes. */
export type Verdict = 'linearizable' | 'violation' | 'undecided';

/** Configurations that are looked at before the search gives up. */
const CONFIGURATIONS_MAX = 2_000_000;

/**
 * Whether the operations on one key, a register that may be empty, have an order that respects real time and in which every
 * get finds what was put last. The search of Wing and Gong (1993) with the memory of Lowe (2017): the set of operations that are
 * done and the value then are looked at once. An operation of unknown outcome may take effect at any time after its call, or never.
 */
export function checkKey(all: readonly Operation[]): Verdict {
  return new Search(relevant(all)).run();
}

class Search {
  readonly #operations: readonly Operation[];
  readonly #done: boolean[];
  readonly #seen = new Set<string>();
  #left: number;

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    this.#done = operations.map(() => false);
    this.#left = operations.filter((operation) => operation.return !== null).length;
  }

  run(): Verdict {
    return this.#from(null);
  }

  #from(value: string | null): Verdict {
    // A get that fits now changes nothing and may as well come now.
    const gets = this.#takeGets(value);
    const verdict = this.#left === 0 ? 'linearizable' : this.#writeNext(value);
    for (const at of gets) this.#undo(at);
    return verdict;
  }

  #takeGets(value: string | null): number[] {
    const taken: number[] = [];
    for (;;) {
      const before = taken.length;
      for (const at of this.#callable()) {
        const operation = this.#operations[at] as Operation;
        if (operation.op !== 'get' || operation.value !== value) continue;
        this.#do(at);
        taken.push(at);
      }
      if (taken.length === before) return taken;
    }
  }

  #writeNext(value: string | null): Verdict {
    if (this.#seen.size >= CONFIGURATIONS_MAX) return 'undecided';
    const state = `${JSON.stringify(value)}${fingerprint(this.#done)}`;
    if (this.#seen.has(state)) return 'violation';
    this.#seen.add(state);
    for (const at of this.#callable()) {
      const { op, value: next } = this.#operations[at] as Operation;
      if (op === 'get') continue;
      this.#do(at);
      const verdict = this.#from(op === 'put' ? next : null);
      this.#undo(at);
      if (verdict !== 'violation') return verdict;
    }
    return 'violation';
  }

  /** Operations that were called before the first of the others returned. */
  #callable(): number[] {
    const callable: number[] = [];
    let firstReturn = Number.POSITIVE_INFINITY;
    for (const [at, operation] of this.#operations.entries()) {
      if (operation.call > firstReturn) break;
      if (this.#done[at] === true) continue;
      callable.push(at);
      firstReturn = Math.min(firstReturn, operation.return ?? Number.POSITIVE_INFINITY);
    }
    return callable;
  }

  #do(at: number): void {
    this.#done[at] = true;
    if (this.#operations[at]?.return !== null) this.#left -= 1;
  }

  #undo(at: number): void {
    this.#done[at] = false;
    if (this.#operations[at]?.return !== null) this.#left += 1;
  }
}

/**
 * By call. Without what says nothing: gets of unknown outcome, operations that surely had no effect, and puts of unknown
 * outcome that nobody saw (an order with such a put is one without it, too).
 */
function relevant(all: readonly Operation[]): Operation[] {
  const found = new Set(
    all.map((operation) => (operation.op === 'get' && operation.ok ? operation.value : null)),
  );
  const says = (operation: Operation): boolean => {
    if (operation.return !== null) return operation.ok;
    return operation.op === 'delete' || (operation.op === 'put' && found.has(operation.value));
  };
  return all.filter(says).sort((a, b) => a.call - b.call);
}

function fingerprint(done: readonly boolean[]): string {
  let text = '';
  for (let at = 0; at < done.length; at += 16) {
    let bits = 0;
    for (let bit = 0; bit < 16; bit += 1) if (done[at + bit] === true) bits |= 1 << bit;
    text += String.fromCharCode(bits);
  }
  return text;
}
