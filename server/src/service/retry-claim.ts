import { GrapeError } from '../base/index.ts';
import { DEFAULT_COLLECTION_ID } from '../model/index.ts';
import { CLAIM_CHUNK, encodeCommand, type RetryTag } from '../shard/index.ts';
import type { Proposer } from './proposer.ts';
import { committedOrThrow } from './write-outcome.ts';

/**
 * Makes the home shard of a write's name remember what is asked under it, before any part is carried out: shards that
 * have never seen the name could not tell that it was used for another write. Throws what the home shard refuses it with, or
 * SHARD_UNAVAILABLE; either way nothing of the write was or will be applied.
 */
export async function claimName(
  proposer: Proposer,
  tag: Omit<RetryTag, 'chunk'>,
  at: { readonly home: number; readonly deadlineMs: number },
): Promise<void> {
  const { home, deadlineMs } = at;
  const retry = { ...tag, chunk: CLAIM_CHUNK };
  const claim = encodeCommand({ kind: 'claim', collection: DEFAULT_COLLECTION_ID }, { wallMs: 0, retry });
  const outcome = await proposer.propose(home, claim, deadlineMs);
  if (outcome.kind === 'unknown') {
    // The name may be taken, by this very write; of its points nothing was proposed, so this is no WRITE_TIMEOUT.
    const message = `shard ${home} did not confirm the name of the write: ${outcome.reason}; nothing was written`;
    throw new GrapeError('SHARD_UNAVAILABLE', message, { shards: [home] });
  }
  committedOrThrow([{ shard: home, outcome }]);
}
