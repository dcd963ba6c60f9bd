import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../server/src/base/index.ts';
import { NaiveIndexes } from '../../server/src/engine/testing/naive-indexes.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import { ShardHost } from '../../server/src/shard/index.ts';
import { SCHEMA } from '../../server/src/shard/testing/commands.ts';
import { MemoryKv } from '../../server/src/storage/index.ts';

/** The naive indexes keep their files in memory: it stays empty. */
const directory = mkdtempSync(join(tmpdir(), 'grape-shard-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** One node's disk, with the host that runs on it: the store in memory, naive indexes whose files survive crashes. */
export class ShardWorld {
  readonly clock = new FakeClock();
  indexes = new NaiveIndexes();
  readonly directory = directory;
  /** Bytes that indexes may still take. */
  memoryLeft = Infinity;
  readonly shards: readonly number[];
  kv = new MemoryKv('data');
  #host: ShardHost | undefined;
  #snapshotInterval: number;

  constructor(o: { readonly shards: readonly number[]; readonly snapshotInterval?: number }) {
    this.shards = o.shards;
    this.#snapshotInterval = o.snapshotInterval ?? 1_000_000;
  }

  get host(): ShardHost {
    if (this.#host === undefined) throw new Error('the host is not open');
    return this.#host;
  }

  async open(options: { readonly withCollection?: boolean } = {}): Promise<this> {
    const { kv, directory, clock, indexes } = this;
    this.#host = await ShardHost.open({
      kv,
      directory,
      clock,
      indexes,
      logger: silentLogger,
      memoryLeft: () => this.memoryLeft,
      options: { efConstruction: 100, snapshotInterval: this.#snapshotInterval },
    });
    for (const shard of this.shards) this.host.openShard(shard);
    if (options.withCollection ?? true) await this.host.setCollection(SCHEMA);
    return this;
  }

  /** A crash of the machine: unflushed batches are lost but for the first `keptBatches`. */
  crash(keptBatches = 0): this {
    this.kv = this.kv.crash({ keptBatches });
    return this;
  }

  async stop(): Promise<this> {
    await this.host.close();
    await this.kv.close();
    this.kv = this.kv.reopen();
    return this;
  }

  /** Ids, by exact search, that the index and the store agree on. */
  async found(shards: readonly number[] = this.shards): Promise<string[]> {
    const query = new Float32Array([1, 1, 1]);
    const options = { k: 10_000, ef: 100, exact: true, withPayload: false, withVector: false };
    const points = await this.host.search({ collection: SCHEMA.id, query, shards, ...options });
    return points.map(({ idKey, version }) => `${idKey.toString('hex')}@${String(version)}`).sort();
  }

  /** The same from the store alone. */
  async stored(shards: readonly number[] = this.shards): Promise<string[]> {
    const page = { collection: SCHEMA.id, shards, after: undefined, limit: 10_000, withVector: false };
    const { points } = await this.host.scroll(page);
    return points.map(({ idKey, version }) => `${idKey.toString('hex')}@${String(version)}`).sort();
  }

  /** Every row of the store, as text. */
  async rows(): Promise<string[]> {
    const rows: string[] = [];
    for await (const chunk of this.kv.iterate({})) {
      for (const { key, value } of chunk) rows.push(`${key.toString('hex')}=${value.toString('hex')}`);
    }
    return rows;
  }
}

/** Waits, without a clock, until something that runs in the background has happened. */
export async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 10_000; round++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the condition did not become true');
}
