import { type Clock, DecodeError } from '../base/index.ts';
import { type KvStore, WriteBatch, untilRoom } from '../storage/index.ts';
import {
  generationPrefix,
  rangesOf,
  REPLICATED_TABLES,
  type ShardGeneration,
  shardStateKey,
} from './keys.ts';
import { decodeShardState, encodeShardState, type ShardState } from './shard-state.ts';
import { RecordReader, type SnapshotRecord } from './snapshot-stream.ts';

/** Writes a snapshot into a new generation. Its state row comes last, so that a part of a generation has none. */
export class ShardImport {
  readonly generation: number;
  readonly #kv: KvStore;
  readonly #clock: Clock;
  readonly #flush: () => Promise<void>;
  readonly #at: ShardGeneration;
  readonly #expected: { readonly index: number; readonly term: number };
  readonly #reader = new RecordReader();
  #state: ShardState | undefined;
  #rows = 0;
  #isComplete = false;

  constructor(o: {
    readonly kv: KvStore;
    readonly clock: Clock;
    /** Resolves when everything written before is durable. */
    readonly flush: () => Promise<void>;
    readonly at: ShardGeneration;
    /** The last entry that the snapshot must hold. */
    readonly expected: { readonly index: number; readonly term: number };
  }) {
    this.generation = o.at.generation;
    this.#kv = o.kv;
    this.#clock = o.clock;
    this.#flush = o.flush;
    this.#at = o.at;
    this.#expected = o.expected;
  }

  /** Throws `DecodeError` when the chunk does not go on where the one before ended. */
  async write(chunk: Buffer): Promise<void> {
    const batch = new WriteBatch();
    for (const record of this.#reader.push(chunk)) this.#take(record, batch);
    if (batch.count > 0) await untilRoom(this.#clock, () => this.#kv.write(batch, { sync: false }));
  }

  /** Throws `DecodeError` when something is missing. */
  async finish(): Promise<void> {
    if (this.#state === undefined || !this.#isComplete || !this.#reader.isEmpty) {
      throw new DecodeError('the snapshot is not complete');
    }
    const batch = new WriteBatch().put(shardStateKey(this.#at), encodeShardState(this.#state));
    await untilRoom(this.#clock, () => this.#kv.write(batch, { sync: false }));
    await this.#flush();
  }

  async abort(): Promise<void> {
    const batch = new WriteBatch();
    for (const { gte, lt } of rangesOf(this.#at)) batch.deleteRange(gte, lt);
    await untilRoom(this.#clock, () => this.#kv.write(batch, { sync: false }));
  }

  #take(record: SnapshotRecord, batch: WriteBatch): void {
    if (this.#isComplete) throw new DecodeError('the snapshot goes on behind its end');
    if (record.kind === 'head') this.#takeHead(record.state);
    else if (this.#state === undefined) throw new DecodeError('the snapshot begins without its head');
    else if (record.kind === 'row') this.#takeRow(record, batch);
    else if (record.rows !== this.#rows)
      throw new DecodeError(`${this.#rows} of ${record.rows} rows have come`);
    else this.#isComplete = true;
  }

  #takeHead(bytes: Buffer): void {
    if (this.#state !== undefined) throw new DecodeError('the snapshot has a second head');
    const state = decodeShardState(this.#at, bytes);
    const { index, term } = this.#expected;
    if (state.applied !== index || state.term !== term) {
      throw new DecodeError(`the snapshot is of entry ${state.applied}, not of ${index}`);
    }
    this.#state = state;
  }

  #takeRow(
    { table, rest, value }: { readonly table: number; readonly rest: Buffer; readonly value: Buffer },
    batch: WriteBatch,
  ): void {
    if (!REPLICATED_TABLES.includes(table)) throw new DecodeError(`table ${table} is not part of a snapshot`);
    batch.put(Buffer.concat([generationPrefix(table, this.#at), rest]), value);
    this.#rows += 1;
  }
}
