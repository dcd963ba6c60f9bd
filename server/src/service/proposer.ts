import { type Clock, GrapeError, unreachable } from '../base/index.ts';
import { addsNothing, type CommandResult, LogClock, stampCommand } from '../shard/index.ts';
import { LATE, settleBy } from './deadline.ts';
import { RPC } from './kinds.ts';
import type { LeaderTable } from './leader-table.ts';
import { classifyFailure } from './peer-failure.ts';
import type { Directory, Groups, LocalShards, Peers, Proposal } from './ports.ts';
import {
  decodeOutcome,
  decodeProposeRequest,
  encodeOutcome,
  encodeProposeRequest,
  type EntryOutcome,
} from './propose-codec.ts';

/** First and longest pause before a shard's leader is looked for again; a change of leader ends it early. */
const PAUSE_MS = { first: 10, max: 200 } as const;
/** What the leader keeps of the caller's time for its answer to arrive, at most. */
const ANSWER_MARGIN_MS = 50;

export interface ProposerDeps {
  readonly groups: Groups;
  readonly directory: Directory;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly leaders: LeaderTable;
  readonly shards: Pick<LocalShards, 'logTimeMs'>;
}

/** Brings one encoded command to the leader of its shard, wherever that is, and tells exactly what became of it. */
export class Proposer {
  readonly #deps: ProposerDeps;
  readonly #logClock: LogClock;

  constructor(deps: ProposerDeps) {
    this.#deps = deps;
    this.#logClock = new LogClock(deps.clock);
  }

  /**
   * Waits until every shard has a leader that can be reached, so that a write of several shards is not begun when one
   * of them cannot take part. Throws SHARD_UNAVAILABLE at the deadline and TOO_MANY_REQUESTS; nothing was proposed.
   */
  async awaitLeaders(shards: readonly number[], deadlineMs: number): Promise<void> {
    const { leaders, clock } = this.#deps;
    for (;;) {
      const missing = shards.filter((shard) => leaders.leaderOf(shard) === undefined);
      const first = missing[0];
      if (first === undefined) return;
      for (const shard of missing) leaders.learn(shard, undefined);
      const leftMs = deadlineMs - clock.nowMs();
      if (leftMs <= 0) throw unavailable(missing, 'no leader is known');
      await leaders.changed(first, Math.min(PAUSE_MS.max, leftMs));
    }
  }

  /** Never `reroute`: what could not be placed by the deadline is `refused`. Never throws an expected failure. */
  async propose(shard: number, command: Buffer, deadlineMs: number): Promise<EntryOutcome> {
    const { leaders, clock } = this.#deps;
    for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.max)) {
      const outcome = await this.#attempt(shard, command, deadlineMs);
      if (outcome.kind !== 'reroute') return outcome;
      leaders.learn(shard, outcome.leader);
      const leftMs = deadlineMs - clock.nowMs();
      if (leftMs <= 0) return { kind: 'refused', error: unavailable([shard], outcome.reason) };
      try {
        await leaders.changed(shard, Math.min(pauseMs, leftMs));
      } catch (error) {
        const failure = classifyFailure(error);
        if (failure.kind === 'refused') return failure;
        throw error;
      }
    }
  }

  /** Answers the proposals of other nodes for groups that this node leads. */
  async answer(body: Buffer): Promise<Buffer> {
    const { group, budgetMs, command } = decodeProposeRequest(body);
    return encodeOutcome(await this.#proposeHere(group, command, this.#deps.clock.nowMs() + budgetMs));
  }

  async #attempt(shard: number, command: Buffer, deadlineMs: number): Promise<EntryOutcome> {
    const leader = this.#deps.leaders.leaderOf(shard);
    if (leader === undefined) return { kind: 'reroute', reason: 'no leader is known' };
    if (leader === this.#deps.directory.nodeId) return this.#proposeHere(shard, command, deadlineMs);
    const leftMs = deadlineMs - this.#deps.clock.nowMs();
    if (leftMs <= 0) return { kind: 'reroute', reason: `node ${leader} could not be asked in time` };
    const budgetMs = leftMs - Math.min(ANSWER_MARGIN_MS, leftMs / 4);
    try {
      const request = encodeProposeRequest({ group: shard, budgetMs, command });
      return decodeOutcome(await this.#deps.peers.request(leader, RPC.propose, request, leftMs));
    } catch (error) {
      return classifyFailure(error);
    }
  }

  /** Deletions go on longer than other writes: they are how clients make room. */
  #withoutRoom(group: number, command: Buffer): EntryOutcome | undefined {
    const verdict = this.#deps.directory.roomFor(group, addsNothing(command) ? 'make' : 'take');
    switch (verdict) {
      case 'ok':
        return undefined;
      case 'handOver':
        return { kind: 'reroute', reason: 'its leader has no room on its disk and hands it over' };
      case 'none': {
        const reason = `shard ${group}: most of its nodes have no room on their disks; nothing was written`;
        return { kind: 'refused', error: new GrapeError('STORAGE_FULL', reason, { shards: [group] }) };
      }
      case 'noMemory': {
        const reason = `shard ${group}: the memory of its leader is almost used up; nothing was written to it`;
        return { kind: 'refused', error: new GrapeError('TOO_MANY_REQUESTS', reason, { shards: [group] }) };
      }
      default:
        return unreachable(verdict);
    }
  }

  async #proposeHere(group: number, command: Buffer, deadlineMs: number): Promise<EntryOutcome> {
    const { groups, leaders, clock, shards } = this.#deps;
    if (!leaders.holds(group))
      return { kind: 'reroute', reason: `shard ${group} has no replica on this node` };
    const noRoom = this.#withoutRoom(group, command);
    if (noRoom !== undefined) return noRoom;
    stampCommand(command, this.#logClock.stamp(group, shards.logTimeMs(group)));
    const proposal = groups.propose(group, command);
    try {
      const settled = await settleBy(clock, proposal.promise, deadlineMs);
      if (settled === LATE) return outcomeAtDeadline(group, proposal);
      return { kind: 'committed', index: settled.index, result: settled.result as CommandResult };
    } catch (error) {
      return classifyFailure(error);
    }
  }
}

/** Only a command that was taken back is surely never applied. */
function outcomeAtDeadline(group: number, proposal: Proposal): EntryOutcome {
  if (proposal.cancel())
    return { kind: 'refused', error: unavailable([group], 'the leader did not get to it') };
  return { kind: 'unknown', reason: `shard ${group} did not commit in time` };
}

function unavailable(shards: readonly number[], reason: string): GrapeError {
  const named = `shard${shards.length === 1 ? '' : 's'} ${shards.join(', ')}`;
  return new GrapeError('SHARD_UNAVAILABLE', `${named}: ${reason}; nothing was written`, { shards });
}
