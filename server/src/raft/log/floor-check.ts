import { DecodeError } from '../../base/index.ts';
import type { Floor, KvStore } from '../../storage/index.ts';
import { SEQUENCE_KEY, stateKey, STATE_ROW } from './keys.ts';
import { readHardState, readReplica, readSequence } from './state-record.ts';

/** Sequence of the newest write batch in the store; 0: there is none, or none that can be read, which `lostAgainst` reports. */
export async function storedSequence(kv: KvStore): Promise<number> {
  try {
    return await readableSequence(kv);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return 0;
  }
}

/** Throws `DecodeError`. */
async function readableSequence(kv: KvStore): Promise<number> {
  const value = await kv.get(SEQUENCE_KEY);
  return value === undefined ? 0 : readSequence({ key: SEQUENCE_KEY, value });
}

/**
 * What the log store has lost or taken back against the floor, in words; undefined when nothing. A row of a group that cannot
 * be read is not judged here: its group is damaged, and says so when it is loaded. Without a sequence that can be read the whole
 * store is lost: it would count anew, below its floor, and what took the place of its replicas would be lost at the next start.
 */
export async function lostAgainst(floor: Floor, kv: KvStore): Promise<string | undefined> {
  try {
    const sequence = await readableSequence(kv);
    if (sequence < floor.sequence)
      return `the Raft log ends at write ${sequence}, although write ${floor.sequence} was on disk`;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return `the sequence of the Raft log cannot be read: ${error.message}`;
  }
  for (const promised of floor.votes) {
    const lost = await lostVote(promised, kv);
    if (lost !== undefined) return lost;
  }
  return undefined;
}

async function lostVote(promised: Floor['votes'][number], kv: KvStore): Promise<string | undefined> {
  const { group } = promised;
  try {
    const replicaId = await rowOf(kv, stateKey(group, STATE_ROW.replica), readReplica);
    // Another replica has begun anew in its place, and has not voted yet.
    if (replicaId !== undefined && replicaId > promised.replicaId) return undefined;
    if (replicaId !== undefined && replicaId < promised.replicaId)
      return `group ${group} is that of replica ${replicaId}, although replica ${promised.replicaId} was here`;
    const state = await rowOf(kv, stateKey(group, STATE_ROW.hardState), readHardState);
    if (state === undefined) return `the log of group ${group} is gone`;
    if (state.term > promised.term) return undefined;
    const isKept = state.term === promised.term && (promised.vote === 0 || state.vote === promised.vote);
    return isKept ? undefined : `group ${group} has forgotten its vote of term ${promised.term}`;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}

async function rowOf<T>(
  kv: KvStore,
  key: Buffer,
  read: (row: { readonly key: Buffer; readonly value: Buffer }) => T,
): Promise<T | undefined> {
  const value = await kv.get(key);
  return value === undefined ? undefined : read({ key, value });
}
