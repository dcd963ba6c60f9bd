import { DecodeError, invariant } from '../base/index.ts';
import { type KvStore, WriteBatch } from '../storage/index.ts';
import { decodeMetaCommand } from './meta-command.ts';
import {
  APPLIED_KEY,
  type AppliedPosition,
  decodeRows,
  encodeApplied,
  encodeMap,
  META_PREFIX,
} from './meta-rows.ts';
import {
  decodeGeneration,
  decodeMetaBlob,
  encodeGeneration,
  GENERATION_KEY,
  INSTALL_RANGE,
  installKey,
  MetaSink,
  metaSource,
} from './meta-snapshot.ts';
import { applyMetaCommand, type MetaResult } from './meta-state.ts';
import type { CommittedEntry, SnapshotSink, SnapshotSource } from './ports.ts';
import type { ClusterMap } from './types.ts';

/** The replicated state machine of the `meta` group on this node: the map, kept in rows of the `data/` store. */
export class MetaStore {
  readonly #kv: KvStore;
  #applied: AppliedPosition;
  #durableApplied: number;
  /** The highest that was ever given to an install. */
  #generation: number;
  #map: ClusterMap | undefined;
  #rows: ReadonlyMap<string, Buffer>;
  readonly #listeners: ((map: ClusterMap) => void)[] = [];

  private constructor(
    kv: KvStore,
    generation: number,
    { applied, map }: { readonly applied: AppliedPosition; readonly map: ClusterMap | undefined },
  ) {
    this.#kv = kv;
    this.#generation = generation;
    this.#applied = applied;
    this.#durableApplied = applied.index;
    this.#map = map;
    this.#rows = map === undefined ? new Map() : encodeMap(map);
  }

  /** Throws `DecodeError` when the rows are damaged or of a later build. */
  static async open(kv: KvStore): Promise<MetaStore> {
    const rows = [];
    const range = { gte: Buffer.from([META_PREFIX]), lt: Buffer.from([META_PREFIX + 1]) };
    for await (const chunk of kv.iterate(range)) rows.push(...chunk);
    const generation = decodeGeneration(await kv.get(GENERATION_KEY));
    return new MetaStore(kv, generation, decodeRows(rows));
  }

  get applied(): number {
    return this.#applied.index;
  }

  /** Index up to which effects survive a crash, known from a completed flush. */
  get durableApplied(): number {
    return this.#durableApplied;
  }

  /** Resolves when everything applied so far is durable. */
  async flush(): Promise<void> {
    const { index } = this.#applied;
    await this.#kv.flush();
    this.#durableApplied = Math.max(this.#durableApplied, index);
  }

  get map(): ClusterMap | undefined {
    return this.#map;
  }

  /** Called after each change is stored, before the results of `apply` are given out. */
  onChange(listener: (map: ClusterMap) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Applies committed entries in order. A changed map is on disk before this settles: a shard starts, and a collection
   * takes writes, only after that, so their logs never refer to a map that a restart has forgotten. Throws
   * `DecodeError` for a command of a later build: the replica stops.
   */
  async apply(entries: readonly CommittedEntry[]): Promise<readonly MetaResult[]> {
    let map = this.#map;
    const results = entries.map((entry): MetaResult => {
      if (entry.kind === 'confChange' || entry.data.length === 0) return { kind: 'done' };
      const applied = applyMetaCommand(map, decodeMetaCommand(entry.data), entry.index);
      map = applied.map;
      return applied.result;
    });
    const last = entries.at(-1);
    if (last !== undefined) await this.#store(map, { index: last.index, term: last.term });
    return results;
  }

  openSnapshot(): Promise<SnapshotSource> {
    return Promise.resolve(metaSource(this.#applied, this.#rows));
  }

  /**
   * The log that led to the map is given up: another one begins, with a generation of its own, which is answered. The
   * map stays until a snapshot brings a newer one.
   */
  async reset(): Promise<number> {
    const generation = await this.#allocateGeneration();
    const applied = { index: 0, term: 0 };
    await this.#kv.write(new WriteBatch().put(APPLIED_KEY, encodeApplied(applied)), { sync: false });
    await this.#kv.flush();
    this.#applied = applied;
    this.#durableApplied = 0;
    return generation;
  }

  async beginInstall(at: AppliedPosition): Promise<SnapshotSink> {
    await this.#allocateGeneration();
    return new MetaSink(this.#kv, this.#generation, (rows) => {
      const { applied } = decodeRows(rows);
      const isSame = applied.index === at.index && applied.term === at.term;
      if (!isSame) throw new DecodeError(`the map is of entry ${applied.index}, not of ${at.index}`);
    });
  }

  /** What an install has brought takes the place of the map, durably. Throws `DecodeError`. */
  async switchTo(generation: number): Promise<void> {
    const blob = await this.#kv.get(installKey(generation));
    if (blob === undefined) throw new DecodeError('the map of a finished snapshot is missing');
    const rows = decodeMetaBlob(blob);
    const batch = new WriteBatch().deleteRange(Buffer.of(META_PREFIX), Buffer.of(META_PREFIX + 1));
    for (const { key, value } of rows) batch.put(key, value);
    batch.deleteRange(INSTALL_RANGE.gte, installKey(generation + 1));
    await this.#kv.write(batch, { sync: false });
    await this.#kv.flush();
    const { applied, map } = decodeRows(rows);
    this.#applied = applied;
    this.#durableApplied = applied.index;
    this.#map = map;
    this.#rows = map === undefined ? new Map() : encodeMap(map);
    if (map !== undefined) for (const listener of this.#listeners) listener(map);
  }

  /** Before the group starts: ends a switch that a crash has cut short, and forgets installs that were not finished. */
  async recover(generation: number): Promise<void> {
    this.#generation = Math.max(this.#generation, generation);
    if ((await this.#kv.get(installKey(generation))) !== undefined) await this.switchTo(generation);
    const rest = new WriteBatch().deleteRange(INSTALL_RANGE.gte, INSTALL_RANGE.lt);
    await this.#kv.write(rest, { sync: false });
  }

  /** Before the number is used: it is not used twice, whatever becomes of it. */
  async #allocateGeneration(): Promise<number> {
    this.#generation += 1;
    const row = new WriteBatch().put(GENERATION_KEY, encodeGeneration(this.#generation));
    await this.#kv.write(row, { sync: false });
    return this.#generation;
  }

  async #store(map: ClusterMap | undefined, applied: AppliedPosition): Promise<void> {
    invariant(applied.index > this.#applied.index, 'entries are applied once, in order', {
      applied,
      before: this.#applied,
    });
    const changed = map !== this.#map;
    const rows = changed && map !== undefined ? encodeMap(map) : this.#rows;
    const batch = new WriteBatch();
    batch.put(APPLIED_KEY, encodeApplied(applied));
    for (const [key, value] of rows) {
      if (this.#rows.get(key)?.equals(value) !== true) batch.put(Buffer.from(key, 'hex'), value);
    }
    for (const key of this.#rows.keys()) {
      if (!rows.has(key)) batch.delete(Buffer.from(key, 'hex'));
    }
    await this.#kv.write(batch, { sync: false });
    if (changed) await this.#kv.flush();
    this.#applied = applied;
    if (changed) this.#durableApplied = applied.index;
    this.#rows = rows;
    this.#map = map;
    if (changed && map !== undefined) for (const listener of this.#listeners) listener(map);
  }
}
