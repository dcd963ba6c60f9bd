import { hash64 } from '../base/index.ts';
import type { EntryAddress, RetryRow, Turn } from '../engine/index.ts';
import type { RetryTag } from './command.ts';
import { type CommandResult, decodeCommandResult, encodeCommandResult } from './command-result.ts';

const SCOPE_BYTE = { key: 1, client: 2 } as const;

/** What a shard knows a write by: keys and clients never meet. */
export function retryName({ scope, name }: Pick<RetryTag, 'scope' | 'name'>): Buffer {
  return Buffer.concat([Buffer.of(SCOPE_BYTE[scope]), name]);
}

/** Number of a claim in its write: no write has as many entries. */
export const CLAIM_CHUNK = 0xffff_ffff;

/**
 * The shard that knows of every write under a name, whichever shards its points are in: `xxh64(scope u8, name) mod
 * shardCount`; never changes.
 */
export function homeShardOf(tag: Pick<RetryTag, 'scope' | 'name'>, shardCount: number): number {
  return Number(hash64(retryName(tag)) % BigInt(shardCount));
}

/**
 * Runs an entry of a write that names itself, unless the shard has run it before: then the first result is the answer and
 * nothing changes. Refuses another write under the same name, a client's write that is older than its last one, and any
 * further one while the shard can remember no more. A refused entry is not remembered: it had no effect.
 */
export function withRetry(
  turn: Turn,
  at: EntryAddress,
  tag: RetryTag,
  run: () => CommandResult,
): CommandResult {
  const name = retryName(tag);
  const known = turn.retry(at.shard, name);
  const answer = known === undefined ? undefined : answerOf(known, tag);
  if (answer !== undefined) {
    turn.retryCounts[answer.kind === 'refused' ? 'misnamed' : 'repeated'] += 1;
    return answer;
  }
  if (!turn.makeRoomForRetry(at.shard) && known === undefined) {
    turn.retryCounts.full += 1;
    return noRoom();
  }
  const result = run();
  if (result.kind === 'refused') return result;
  const { sequence, digest, chunk } = tag;
  turn.remember(at, name, { sequence, digest, chunk, result: encodeCommandResult(result) });
  return result;
}

/** What is to be answered without running the entry; undefined when it is new. */
function answerOf(known: RetryRow, tag: RetryTag): CommandResult | undefined {
  if (tag.sequence < known.sequence) return staleSequence(tag, known.sequence);
  if (tag.sequence > known.sequence) return undefined;
  if (!known.digest.equals(tag.digest)) return reused(tag);
  const first = known.chunks.get(tag.chunk);
  return first === undefined ? undefined : decodeCommandResult(first);
}

function reused({ scope, sequence }: RetryTag): CommandResult {
  const what = scope === 'key' ? 'this Idempotency-Key' : `the sequence ${sequence} of this client`;
  return { kind: 'refused', code: 'IDEMPOTENCY_KEY_REUSED', message: `${what} was used for another write` };
}

function staleSequence({ sequence }: RetryTag, last: number): CommandResult {
  const message = `the client has written with sequence ${last}; ${sequence} is over and its result is forgotten`;
  return { kind: 'refused', code: 'SEQUENCE_TOO_OLD', message };
}

function noRoom(): CommandResult {
  const message = 'the shard remembers as many recent writes as it can; repeat this one later';
  return { kind: 'refused', code: 'TOO_MANY_REQUESTS', message };
}
