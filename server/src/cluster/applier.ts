import { META_GROUP } from '../raft/index.ts';
import type { MetaStore } from './meta-store.ts';
import type { CommittedBatch, LocalShards, SnapshotSink, SnapshotSource } from './ports.ts';

/** Hands committed entries to the state machine they belong to: `meta` here, everything else to the shards. */
export class ClusterApplier {
  readonly #meta: MetaStore;
  readonly #shards: LocalShards;

  constructor(meta: MetaStore, shards: LocalShards) {
    this.#meta = meta;
    this.#shards = shards;
  }

  /** `results[i][j]` belongs to `batches[i].entries[j]`. */
  async apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]> {
    const ofShards = batches.filter(({ group }) => group !== META_GROUP);
    if (ofShards.length === batches.length) return this.#shards.apply(batches);
    const [shardResults, metaResults] = await Promise.all([
      ofShards.length === 0 ? [] : this.#shards.apply(ofShards),
      this.#applyMeta(batches.filter(({ group }) => group === META_GROUP)),
    ]);
    let shard = 0;
    let meta = 0;
    return batches.map(({ group }) => {
      const result = group === META_GROUP ? metaResults[meta++] : shardResults[shard++];
      return result ?? [];
    });
  }

  durableApplied(group: number): number {
    return group === META_GROUP ? this.#meta.durableApplied : this.#shards.durableApplied(group);
  }

  flush(group: number): Promise<void> {
    return group === META_GROUP ? this.#meta.flush() : this.#shards.flush();
  }

  openSnapshot(group: number): Promise<SnapshotSource> {
    return group === META_GROUP ? this.#meta.openSnapshot() : this.#shards.openSnapshot(group);
  }

  beginInstall(group: number, at: { readonly index: number; readonly term: number }): Promise<SnapshotSink> {
    return group === META_GROUP ? this.#meta.beginInstall(at) : this.#shards.beginInstall(group, at);
  }

  switchTo(group: number, generation: number): Promise<void> {
    return group === META_GROUP ? this.#meta.switchTo(generation) : this.#shards.switchTo(group, generation);
  }

  async #applyMeta(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]> {
    const results = [];
    for (const { entries } of batches) results.push(await this.#meta.apply(entries));
    return results;
  }
}
