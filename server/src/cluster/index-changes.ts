import { asError, ByteReader, ByteWriter, type Clock, GrapeError, pause } from '../base/index.ts';
import { readCollection, writeCollection } from './codec.ts';
import { RPC } from './formation-messages.ts';
import { decodeMetaCommand, encodeMetaCommand, type MetaCommand } from './meta-command.ts';
import type { MetaLeader } from './meta-leader.ts';
import type { MetaResult } from './meta-state.ts';
import type { Peers } from './ports.ts';

const REQUEST_MS_MAX = 5_000;
const RETRY_MS = 100;

/** What makes or drops a payload index. */
export type IndexChange = Extract<MetaCommand, { kind: 'createIndex' | 'dropIndex' }>;

interface IndexChangesDeps {
  readonly peers: Peers;
  readonly clock: Clock;
  readonly proposer: MetaLeader;
  /** Who leads `meta`, as far as this node knows. */
  readonly leader: () => string | undefined;
}

/** Brings changes of payload indexes to the leader of `meta`. Both kinds may be repeated. */
export class IndexChanges {
  readonly #deps: IndexChangesDeps;

  constructor(deps: IndexChangesDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#deps.peers.handle(RPC.changeIndex, async (_from, body) => encodeResult(await this.#answer(body)));
  }

  /** Throws SHARD_UNAVAILABLE when no leader has carried it out in time; it may be carried out later. */
  async change(command: IndexChange, deadlineMs: number): Promise<MetaResult> {
    const { clock } = this.#deps;
    for (;;) {
      try {
        return await this.#try(command);
      } catch (error) {
        if (clock.nowMs() + RETRY_MS >= deadlineMs)
          throw new GrapeError('SHARD_UNAVAILABLE', `the leader of meta: ${asError(error).message}`);
      }
      await pause(clock, RETRY_MS);
    }
  }

  async #try(command: IndexChange): Promise<MetaResult> {
    const { peers, proposer, leader } = this.#deps;
    if (proposer.isLeader) return proposer.propose(command);
    const to = leader();
    if (to === undefined) throw new GrapeError('SHARD_UNAVAILABLE', 'it is not known');
    return decodeResult(await peers.request(to, RPC.changeIndex, encodeMetaCommand(command), REQUEST_MS_MAX));
  }

  #answer(body: Buffer): Promise<MetaResult> {
    const command = decodeMetaCommand(body);
    if (command.kind !== 'createIndex' && command.kind !== 'dropIndex')
      throw new GrapeError('INVALID_REQUEST', `${command.kind} is no change of an index`);
    return this.#deps.proposer.propose(command);
  }
}

function encodeResult(result: MetaResult): Buffer {
  const writer = new ByteWriter().bool(result.kind === 'collection');
  if (result.kind === 'collection') writeCollection(writer, result.schema);
  else writer.text(result.kind === 'refused' ? result.message : '');
  return writer.finish();
}

/** Throws `DecodeError`. */
function decodeResult(body: Buffer): MetaResult {
  const reader = new ByteReader(body);
  const result: MetaResult = reader.bool()
    ? { kind: 'collection', schema: readCollection(reader) }
    : { kind: 'refused', message: reader.text() };
  reader.end();
  return result;
}
