import { type Clock, DecodeError, invariant, type Timer } from '../base/index.ts';
import { type KvStore, WriteBatch, untilRoom } from '../storage/index.ts';
import type { Flusher } from './flusher.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { highestGenerationKey, rangesAbove, rangesBelow, shardStateKey } from './keys.ts';
import type { SerialLock } from './serial-lock.ts';
import { ShardExport } from './shard-export.ts';
import { ShardImport } from './shard-import.ts';
import { decodeShardState, encodeShardState, newShardState, type ShardState } from './shard-state.ts';

/** A read that began before a switch may still look for rows of the generation before. */
const OLD_GENERATION_MS = 30_000;

export interface GenerationsOptions {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly lock: SerialLock;
  /** Open shards. */
  readonly states: Map<number, ShardState>;
  readonly keeper: IndexKeeper;
  readonly flusher: Flusher;
  /** The collection's index is behind its shard: searches wait until it is not. */
  readonly bringUp: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** Copies of a shard's state, and what replaces it: one generation is in use, a snapshot fills another one beside it. */
export class Generations {
  readonly #o: GenerationsOptions;
  /** The generations before, to be removed. */
  readonly #timers = new Map<number, Timer>();

  constructor(options: GenerationsOptions) {
    this.#o = options;
  }

  /** What is applied now. */
  open(shard: number): Promise<ShardExport> {
    return this.#o.lock.run(() => new ShardExport(this.#o.kv, this.#stateOf(shard)));
  }

  async beginInstall(
    shard: number,
    expected: { readonly index: number; readonly term: number },
  ): Promise<ShardImport> {
    const { kv, clock, flusher } = this.#o;
    const generation = await this.#allocate(shard);
    return new ShardImport({ kv, clock, flush: () => flusher.flush(), at: { shard, generation }, expected });
  }

  /** Begins anew, with nothing; answers the generation. Resolves when it is durable and reads see it. */
  async reset(shard: number): Promise<number> {
    const { kv, clock, flusher } = this.#o;
    const at = { shard, generation: await this.#allocate(shard) };
    const empty = new WriteBatch().put(shardStateKey(at), encodeShardState(newShardState(at)));
    await untilRoom(clock, () => kv.write(empty, { sync: false }));
    await flusher.flush();
    await this.switchTo(shard, at.generation);
    return at.generation;
  }

  /** The generation is finished. Reads see it when this resolves; searches wait for their index. */
  async switchTo(shard: number, generation: number): Promise<void> {
    const { kv, clock, lock, states, keeper, flusher, bringUp } = this.#o;
    await lock.run(async () => {
      const at = { shard, generation };
      const value = await untilRoom(clock, () => kv.get(shardStateKey(at)));
      if (value === undefined) throw new DecodeError('a finished generation has a state');
      const state = decodeShardState(at, value);
      flusher.opened(state);
      states.set(shard, state);
      keeper.setBehind(shard);
    });
    bringUp();
    this.#timers.get(shard)?.cancel();
    this.#timers.set(
      shard,
      clock.after(OLD_GENERATION_MS, () => this.#remove(shard, rangesBelow)),
    );
  }

  /** Removes what is stored of generations that are not in use, before the first install. */
  removeOthers(shard: number): void {
    this.#remove(shard, (state) => [...rangesBelow(state), ...rangesAbove(state)]);
  }

  #remove(shard: number, rangesOf: (state: ShardState) => ReturnType<typeof rangesBelow>): void {
    const { kv, clock, lock, onFailure } = this.#o;
    const removed = lock.run(async () => {
      const stored = await untilRoom(clock, () => kv.get(highestGenerationKey(shard)));
      // Without an install there was never another one.
      if (stored === undefined) return;
      const batch = new WriteBatch();
      for (const { gte, lt } of rangesOf(this.#stateOf(shard))) batch.deleteRange(gte, lt);
      await untilRoom(clock, () => kv.write(batch, { sync: false }));
    });
    removed.catch(onFailure);
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #allocate(shard: number): Promise<number> {
    const { kv, clock, lock } = this.#o;
    return lock.run(async () => {
      const key = highestGenerationKey(shard);
      const stored = await untilRoom(clock, () => kv.get(key));
      const next = Math.max(stored?.readUInt32BE(0) ?? 0, this.#stateOf(shard).generation) + 1;
      const value = Buffer.alloc(4);
      value.writeUInt32BE(next);
      // Before the first row: a number is never used twice, whatever a crash leaves of its rows.
      await untilRoom(clock, () => kv.write(new WriteBatch().put(key, value), { sync: false }));
      return next;
    });
  }

  #stateOf(shard: number): ShardState {
    const state = this.#o.states.get(shard);
    invariant(state !== undefined, 'the shard is open on this node', { shard });
    return state;
  }
}
