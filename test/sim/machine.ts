import { crc32c } from '../../server/src/base/index.ts';
import type { Applier, CommittedBatch, SnapshotSink, SnapshotSource } from '../../server/src/raft/index.ts';
import type { LocalShards } from '../../server/src/cluster/ports.ts';

/** A value and the index of the entry that wrote it. */
export interface Written {
  readonly value: string;
  readonly index: number;
}

interface State {
  index: number;
  term: number;
  /** Over everything that was applied, in order. */
  hash: number;
  readonly keys: Map<string, Written>;
}

/** What is on the disk of a node: states by shard and generation, and the highest generation of each shard. */
export interface MachineDisk {
  readonly states: Map<string, State>;
  readonly highest: Map<number, number>;
}

export function emptyMachineDisk(): MachineDisk {
  return { states: new Map(), highest: new Map() };
}

export interface AppliedEntry {
  readonly group: number;
  readonly index: number;
  readonly term: number;
  readonly data: string;
  /** Of the state with it. */
  readonly hash: number;
}

/** A replicated map of keys: what is applied is lost in a crash unless it was flushed. */
export class SimMachine implements Applier, LocalShards {
  readonly #disk: MachineDisk;
  readonly #onApplied: (entry: AppliedEntry) => void;
  readonly #onRestored: (group: number, state: { readonly index: number; readonly hash: number }) => void;
  /** Resolves when the state machine gets round to it. */
  readonly #turn: () => Promise<void>;
  readonly #states = new Map<number, State>();
  readonly #generations = new Map<number, number>();
  readonly #durable = new Map<number, number>();
  flushes = 0;

  constructor(
    disk: MachineDisk,
    o: {
      readonly onApplied: (entry: AppliedEntry) => void;
      /** A state was opened: at the start, or the one of a snapshot. */
      readonly onRestored: (group: number, state: { readonly index: number; readonly hash: number }) => void;
      readonly turn: () => Promise<void>;
    },
  ) {
    this.#disk = disk;
    this.#onApplied = o.onApplied;
    this.#onRestored = o.onRestored;
    this.#turn = o.turn;
  }

  async apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]> {
    await this.#turn();
    return batches.map(({ group, entries }) => {
      const state = this.#state(group);
      return entries.map(({ index, term, kind, data }) => {
        if (index !== state.index + 1) throw new Error(`entry ${index} follows ${state.index} of ${group}`);
        const text = kind === 'normal' ? data.toString('latin1') : '';
        state.index = index;
        state.term = term;
        state.hash = crc32c(data, state.hash ^ (kind === 'normal' ? 0 : 1));
        const [key, value] = text.split('=');
        if (key !== undefined && value !== undefined) state.keys.set(key, { value, index });
        this.#onApplied({ group, index, term, data: kind + text, hash: state.hash });
        return index;
      });
    });
  }

  read(group: number, key: string): Written | undefined {
    return this.#state(group).keys.get(key);
  }

  hash(group: number): number {
    return this.#state(group).hash;
  }

  applied(group: number): number {
    return this.#state(group).index;
  }

  durableApplied(group: number): number {
    return this.#durable.get(group) ?? 0;
  }

  async flush(): Promise<void> {
    this.flushes += 1;
    const copies = [...this.#states].map(
      ([group, state]) => [group, this.#key(group), copyOf(state)] as const,
    );
    await this.#turn();
    for (const [group, key, copy] of copies) {
      // A switch that came meanwhile has its own state on the disk.
      if (key !== this.#key(group)) continue;
      this.#disk.states.set(key, copy);
      this.#durable.set(group, copy.index);
    }
  }

  openShard(shard: number, generation: number): void {
    this.#generations.set(shard, generation);
    const stored = this.#disk.states.get(this.#key(shard));
    this.#states.set(shard, stored === undefined ? emptyState() : copyOf(stored));
    this.#durable.set(shard, stored?.index ?? 0);
    if (stored !== undefined) this.#onRestored(shard, stored);
  }

  openSnapshot(group: number): Promise<SnapshotSource> {
    const state = copyOf(this.#state(group));
    const { index, term } = state;
    return Promise.resolve({ index, term, chunks: () => chunksOf(state), close: () => undefined });
  }

  beginInstall(group: number): Promise<SnapshotSink> {
    const generation = this.#allocate(group);
    const parts: string[] = [];
    return Promise.resolve({
      generation,
      write: async (chunk: Buffer) => {
        await this.#turn();
        parts.push(chunk.toString());
      },
      finish: async () => {
        await this.#turn();
        this.#disk.states.set(`${group}/${generation}`, parse(parts.join('')));
      },
      abort: () => {
        this.#disk.states.delete(`${group}/${generation}`);
        return Promise.resolve();
      },
    });
  }

  async switchTo(group: number, generation: number): Promise<void> {
    await this.#turn();
    this.openShard(group, generation);
  }

  async reset(shard: number): Promise<number> {
    const generation = this.#allocate(shard);
    this.#disk.states.set(`${shard}/${generation}`, emptyState());
    await this.switchTo(shard, generation);
    return generation;
  }

  vectors(): number {
    return 0;
  }

  setPayloadIndexes(): Promise<void> {
    return Promise.resolve();
  }

  setCollection(): Promise<void> {
    return Promise.resolve();
  }

  #allocate(shard: number): number {
    const generation = Math.max(this.#disk.highest.get(shard) ?? 1, this.#generations.get(shard) ?? 1) + 1;
    this.#disk.highest.set(shard, generation);
    return generation;
  }

  #key(shard: number): string {
    return `${shard}/${this.#generations.get(shard) ?? 1}`;
  }

  #state(shard: number): State {
    const state = this.#states.get(shard);
    if (state === undefined) throw new Error(`shard ${shard} is not open`);
    return state;
  }
}

function emptyState(): State {
  return { index: 0, term: 0, hash: 0, keys: new Map() };
}

function copyOf(state: State): State {
  return { ...state, keys: new Map(state.keys) };
}

function parse(text: string): State {
  const { index, term, hash, keys } = JSON.parse(text) as Omit<State, 'keys'> & { keys: [string, Written][] };
  return { index, term, hash, keys: new Map(keys) };
}

// eslint-disable-next-line @typescript-eslint/require-await -- what is read lies in memory
async function* chunksOf(state: State): AsyncIterable<Buffer> {
  const text = JSON.stringify({ ...state, keys: [...state.keys] });
  const half = Math.ceil(text.length / 3);
  for (let at = 0; at < text.length; at += half) yield Buffer.from(text.slice(at, at + half));
}
