import { present } from '../../base/index.ts';
import type { Applier, CommittedBatch, SnapshotSink, SnapshotSource } from '../types.ts';

interface TextState {
  readonly texts: string[];
  index: number;
  term: number;
}

/** Remembers the commands of every group in order; the result of a command is its text. */
export class TextMachine implements Applier {
  /** By group and generation. */
  readonly #states = new Map<string, TextState>();
  /** In use. */
  readonly #generations = new Map<number, number>();
  readonly #highest = new Map<number, number>();
  readonly calls: (readonly CommittedBatch[])[] = [];
  /** Set: the next calls wait for it. */
  gate: Promise<void> | undefined;
  /** What counts as durable; nothing by default, so that a log is kept from its beginning. */
  durable: (group: number) => number = () => 0;
  flushes = 0;
  /** What happened to snapshots, in order. */
  readonly events: string[] = [];
  /** Called at each step of an install; what it throws fails the step. */
  onStep: (step: string) => Promise<void> | void = () => undefined;

  async apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]> {
    this.calls.push(batches);
    await this.gate;
    return batches.map(({ group, entries }) => {
      const state = this.#state(group);
      return entries.map(({ index, term, data, kind }) => {
        if (state.index > 0 && index !== state.index + 1) throw new Error(`${index} follows ${state.index}`);
        const text = data.toString();
        if (text !== '' && kind === 'normal') state.texts.push(text);
        state.index = index;
        state.term = term;
        return text;
      });
    });
  }

  durableApplied(group: number): number {
    return this.durable(group);
  }

  flush(): Promise<void> {
    this.flushes += 1;
    return Promise.resolve();
  }

  texts(group: number): string[] {
    return this.#state(group).texts;
  }

  /** Index of the last applied entry. */
  applied(group: number): number {
    return this.#state(group).index;
  }

  /** A restart: what the log says is in use. */
  reopen(group: number, generation: number): void {
    this.#generations.set(group, generation);
    this.onStep = () => undefined;
  }

  openSnapshot(group: number): Promise<SnapshotSource> {
    const { texts, index, term } = this.#state(group);
    const copy = [...texts];
    const close = (): void => void this.events.push('closed');
    return Promise.resolve({ index, term, chunks: () => chunksOf(copy), close });
  }

  beginInstall(group: number, at: { readonly index: number; readonly term: number }): Promise<SnapshotSink> {
    const generation = Math.max(this.#highest.get(group) ?? 1, this.#generation(group)) + 1;
    this.#highest.set(group, generation);
    const state: TextState = { texts: [], ...at };
    this.events.push(`begin ${generation}`);
    return Promise.resolve({
      generation,
      write: async (chunk: Buffer) => {
        await this.onStep('write');
        state.texts.push(chunk.toString());
      },
      finish: async () => {
        await this.onStep('finish');
        this.#states.set(`${group}/${generation}`, state);
        this.events.push(`finish ${generation}`);
      },
      abort: () => {
        this.#states.delete(`${group}/${generation}`);
        this.events.push(`abort ${generation}`);
        return Promise.resolve();
      },
    });
  }

  async switchTo(group: number, generation: number): Promise<void> {
    await this.onStep('switch');
    present(this.#states.get(`${group}/${generation}`), 'the finished generation');
    this.#generations.set(group, generation);
    this.events.push(`switch ${generation}`);
  }

  #generation(group: number): number {
    return this.#generations.get(group) ?? 1;
  }

  #state(group: number): TextState {
    const key = `${group}/${this.#generation(group)}`;
    const state = this.#states.get(key) ?? { texts: [], index: 0, term: 0 };
    this.#states.set(key, state);
    return state;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- what is read lies in memory
async function* chunksOf(texts: readonly string[]): AsyncIterable<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}
