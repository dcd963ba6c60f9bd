import type { KvEntry, KvStore } from '../storage/index.ts';
import { GENERATION_PREFIX_BYTES, generationRange, REPLICATED_TABLES } from './keys.ts';
import { encodeShardState, type ShardState } from './shard-state.ts';
import { encodeRecord, inChunks } from './snapshot-stream.ts';

/** Bytes of rows read at a time. */
const READ_BYTES = 256 * 1024;

/** The state of a shard as of one entry; it holds table files on the disk until it is closed or read to its end. */
export class ShardExport {
  readonly index: number;
  readonly term: number;
  readonly #state: ShardState;
  readonly #tables: readonly { readonly table: number; readonly rows: OpenedRows }[];

  /** No turn may be under way: the rows are as of this call, and must be those of `state`. */
  constructor(kv: KvStore, state: ShardState) {
    this.index = state.applied;
    this.term = state.term;
    this.#state = state;
    this.#tables = REPLICATED_TABLES.map((table) => ({
      table,
      rows: new OpenedRows(kv.iterate(generationRange(table, state), { chunkBytes: READ_BYTES })),
    }));
  }

  /** Chunks of at most 1 MiB; asked for once. */
  chunks(): AsyncIterable<Buffer> {
    return inChunks(this.#records());
  }

  close(): void {
    for (const { rows } of this.#tables) rows.close();
  }

  async *#records(): AsyncIterable<Buffer> {
    // The receiver has no journal of what was before.
    const state = encodeShardState({ ...this.#state, journalAfter: this.#state.applied });
    yield encodeRecord({ kind: 'head', state });
    let count = 0;
    for (const { table, rows } of this.#tables) {
      for await (const entries of rows) {
        count += entries.length;
        for (const { key, value } of entries) {
          yield encodeRecord({ kind: 'row', table, rest: key.subarray(GENERATION_PREFIX_BYTES), value });
        }
      }
    }
    yield encodeRecord({ kind: 'end', rows: count });
  }
}

/** Rows of which the first are asked for at once: a reading that has begun can be closed without going on. */
class OpenedRows implements AsyncIterable<KvEntry[]> {
  readonly #iterator: AsyncIterator<KvEntry[]>;
  readonly #first: Promise<IteratorResult<KvEntry[]>>;

  constructor(rows: AsyncIterable<KvEntry[]>) {
    this.#iterator = rows[Symbol.asyncIterator]();
    this.#first = this.#iterator.next();
    // Reported to the one who reads.
    this.#first.catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<KvEntry[]> {
    for (let next = await this.#first; next.done !== true; next = await this.#iterator.next())
      yield next.value;
  }

  close(): void {
    // A store that has failed reports that to its writers.
    this.#iterator.return?.().catch(() => undefined);
  }
}
