import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import type { ShardGeneration } from './keys.ts';

/** What a shard knows of one collection. */
export interface CollectionState {
  /** Values per vector, fixed by the first upsert in the shard's own log, so that every replica agrees. */
  readonly dimension: number;
  /** Points that exist. */
  readonly live: number;
}

/** How far a shard has come; written in the same batch as the effects of the entries. */
export interface ShardState extends ShardGeneration {
  /** Index of the last entry whose effects are in the store; 0: none. */
  readonly applied: number;
  /** Term of that entry. */
  readonly term: number;
  /** The journal has a row for every entry with effects above this index. */
  readonly journalAfter: number;
  /** Running maximum of the wall clocks that the entries carry, in milliseconds; 0: none so far. */
  readonly logTimeMs: number;
  /** Rows of `RetryRow`. */
  readonly retryRows: number;
  /** By collection id. */
  readonly collections: ReadonlyMap<number, CollectionState>;
}

/** The first one had no log time and no retry rows. */
const FORMAT = { first: 1, now: 2 } as const;

export function newShardState(at: ShardGeneration): ShardState {
  return {
    shard: at.shard,
    generation: at.generation,
    applied: 0,
    term: 0,
    journalAfter: 0,
    logTimeMs: 0,
    retryRows: 0,
    collections: new Map(),
  };
}

export function encodeShardState(state: ShardState): Buffer {
  const writer = new ByteWriter(64).u8(FORMAT.now).u53(state.applied).u53(state.term).u53(state.journalAfter);
  writer.f64(state.logTimeMs).u53(state.retryRows).u32(state.collections.size);
  const byId = [...state.collections].sort(([left], [right]) => left - right);
  for (const [id, { dimension, live }] of byId) writer.u32(id).u16(dimension).u53(live);
  return writer.finish();
}

/** Throws `DecodeError`. */
export function decodeShardState(at: ShardGeneration, value: Buffer): ShardState {
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format !== FORMAT.first && format !== FORMAT.now)
    throw new DecodeError(`shard state format ${String(format)} is not known`);
  const [applied, term, journalAfter] = [reader.u53(), reader.u53(), reader.u53()];
  const [logTimeMs, retryRows] = format === FORMAT.first ? [0, 0] : [reader.f64(), reader.u53()];
  const collections = new Map<number, CollectionState>();
  for (let left = reader.u32(); left > 0; left--) {
    collections.set(reader.u32(), { dimension: reader.u16(), live: reader.u53() });
  }
  reader.end();
  const { shard, generation } = at;
  return { shard, generation, applied, term, journalAfter, logTimeMs, retryRows, collections };
}
