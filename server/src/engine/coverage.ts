import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import type { ShardState } from './shard-state.ts';

/** What an index holds of one shard: exactly the points as of the entry `applied`. */
export interface Coverage {
  readonly generation: number;
  readonly applied: number;
}

/** By shard. */
export type CoverageMap = ReadonlyMap<number, Coverage>;

const FORMAT = 1;

/** The tag of an index file. */
export function encodeCoverage(coverage: CoverageMap): Buffer {
  const writer = new ByteWriter(8 + 14 * coverage.size).u8(FORMAT).u32(coverage.size);
  for (const [shard, { generation, applied }] of coverage) writer.u16(shard).u32(generation).u53(applied);
  return writer.finish();
}

/** Throws `DecodeError`. */
export function decodeCoverage(tag: Buffer): Map<number, Coverage> {
  const reader = new ByteReader(tag);
  const format = reader.u8();
  if (format !== FORMAT) throw new DecodeError(`index tag format ${String(format)} is not known`);
  const coverage = new Map<number, Coverage>();
  for (let left = reader.u32(); left > 0; left--) {
    coverage.set(reader.u16(), { generation: reader.u32(), applied: reader.u53() });
  }
  reader.end();
  return coverage;
}

/**
 * Entries that the index lacks and the journal still lists; undefined: the shard must be read anew. That is so when
 * the index has nothing of the shard, has another generation, is older than the journal, or is ahead of the store.
 */
export function entriesBehind(coverage: Coverage | undefined, state: ShardState): number | undefined {
  if (coverage?.generation !== state.generation) return undefined;
  if (coverage.applied < state.journalAfter || coverage.applied > state.applied) return undefined;
  return state.applied - coverage.applied;
}
