import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/** What one group has promised in a term. */
export interface FloorVote {
  readonly group: number;
  /** Of this node; a later one begins anew. */
  readonly replicaId: number;
  readonly term: number;
  /** 0: none. */
  readonly vote: number;
}

/** The newest that this node has seen of another store. */
export interface KnownStore {
  readonly storeUuid: string;
  readonly incarnation: number;
  readonly bootNonce: string;
  /** Of its last synced write batch. */
  readonly sequence: number;
}

/** What the Raft log must not fall behind: a store that ends below this has lost or taken back promises. */
export interface Floor {
  /** Of a synced write batch of the Raft log. */
  readonly sequence: number;
  readonly votes: readonly FloorVote[];
  readonly stores: readonly KnownStore[];
}

export const EMPTY_FLOOR: Floor = { sequence: 0, votes: [], stores: [] };

const FORMAT = 1;

export function encodeFloor({ sequence, votes, stores }: Floor): Buffer {
  const out = new ByteWriter().u8(FORMAT).u53(sequence).u32(votes.length);
  for (const { group, replicaId, term, vote } of votes) out.u16(group).u53(replicaId).u53(term).u53(vote);
  out.u32(stores.length);
  for (const { storeUuid, incarnation, bootNonce, sequence: known } of stores) {
    out.text(storeUuid).u53(incarnation).text(bootNonce).u53(known);
  }
  return Buffer.from(out.finish());
}

/** Throws `DecodeError`. */
export function decodeFloor(bytes: Buffer): Floor {
  const from = new ByteReader(bytes);
  const format = from.u8();
  if (format !== FORMAT) throw new DecodeError(`a floor of format ${format}, this build knows ${FORMAT}`);
  const sequence = from.u53();
  const votes = listOf(from, () => ({
    group: from.u16(),
    replicaId: from.u53(),
    term: from.u53(),
    vote: from.u53(),
  }));
  const stores = listOf(from, () => ({
    storeUuid: from.text(),
    incarnation: from.u53(),
    bootNonce: from.text(),
    sequence: from.u53(),
  }));
  from.end();
  return { sequence, votes, stores };
}

function listOf<T>(from: ByteReader, read: () => T): T[] {
  const count = from.u32();
  if (count > from.remaining) throw new DecodeError(`a list of ${count} items does not fit`);
  return Array.from({ length: count }, read);
}
