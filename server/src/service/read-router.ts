import { type Clock, GrapeError, unreachable } from '../base/index.ts';
import type { Consistency } from '../model/index.ts';
import { coverShards } from './cover.ts';
import { formedMap } from './formed.ts';
import type { LeaderTable } from './leader-table.ts';
import type { LocalReader } from './local-reader.ts';
import { classifyFailure } from './peer-failure.ts';
import type { Directory, Groups, LocalShards, Peers } from './ports.ts';
import type { ReadScope } from './read-scope.ts';
import { RemoteReader } from './remote-reader.ts';
import type { ShardReader } from './shard-reader.ts';

/** How long a replica may take to reach the read point before another one is asked. */
const POINT_PATIENCE_MS = 1000;
/** Pause before the replicas that failed are tried again. */
const RETRY_PAUSE_MS = 25;
/** An eventual read prefers replicas that are at most this many entries behind what they know to be committed. */
const EVENTUAL_LAG_ENTRIES_MAX = 1000;

export interface RouterDeps {
  readonly groups: Groups;
  readonly directory: Directory;
  readonly peers: Peers;
  readonly shards: LocalShards;
  readonly clock: Clock;
  readonly leaders: LeaderTable;
  readonly local: LocalReader;
}

export interface ReadTarget {
  readonly shards: readonly number[];
  readonly consistency: Consistency;
  readonly deadlineMs: number;
}

/** One node's part of a read: `read` was called with these and gave `value`. */
export interface ReadPart<T> {
  readonly value: T;
  readonly reader: ShardReader;
  readonly nodeId: string;
  readonly shards: readonly number[];
}

interface Attempt {
  readonly nodeId: string;
  readonly shards: readonly number[];
}

type AttemptResult<T> =
  | { readonly ok: true; readonly part: ReadPart<T> }
  | {
      readonly ok: false;
      readonly attempt: Attempt;
      readonly reason: string;
      readonly leader: string | undefined;
    };

/**
 * Reads every shard once, on as few nodes as possible, this node first. A node that lags, dies or does not answer is
 * replaced by another replica of its shards until the deadline; then the read fails with SHARD_UNAVAILABLE.
 */
export class ReadRouter {
  readonly #deps: RouterDeps;

  constructor(deps: RouterDeps) {
    this.#deps = deps;
  }

  /** `read` runs once per chosen node, and again on another one after a failure; parts come in no order. */
  async scatter<T>(
    target: ReadTarget,
    read: (reader: ShardReader, scope: ReadScope) => Promise<T>,
  ): Promise<readonly ReadPart<T>[]> {
    const done: ReadPart<T>[] = [];
    const failed = new Set<string>();
    let pending = target.shards;
    let reason = 'no replica can be reached';
    for (;;) {
      const plan = this.#plan(target, pending, failed);
      const results = await Promise.all(plan.map((attempt) => this.#attempt(target, attempt, read)));
      const unread = new Set(pending);
      for (const result of results) {
        if (result.ok) {
          done.push(result.part);
          for (const shard of result.part.shards) unread.delete(shard);
          continue;
        }
        reason = result.reason;
        failed.add(result.attempt.nodeId);
        if (target.consistency === 'leader') this.#learn(result);
      }
      if (unread.size === 0) return done;
      pending = [...unread];
      await this.#pauseBeforeRetry(target, { pending, failed, reason });
    }
  }

  #plan(target: ReadTarget, shards: readonly number[], failed: Set<string>): readonly Attempt[] {
    if (target.consistency === 'leader') return this.#leaderPlan(shards);
    const self = this.#deps.directory.nodeId;
    const { leaders } = this.#deps;
    // The common case: as many replicas as nodes.
    if (
      target.consistency === 'strong' &&
      !failed.has(self) &&
      shards.every((shard) => leaders.holds(shard))
    ) {
      return [{ nodeId: self, shards }];
    }
    const candidates = (shard: number): readonly string[] =>
      this.#replicasOf(shard, target.consistency).filter((nodeId) => !failed.has(nodeId));
    return coverShards({ shards, self, candidates });
  }

  #leaderPlan(shards: readonly number[]): readonly Attempt[] {
    const byNode = new Map<string, number[]>();
    for (const shard of shards) {
      const leader = this.#deps.leaders.leaderOf(shard);
      if (leader === undefined) continue;
      const group = byNode.get(leader);
      if (group === undefined) byNode.set(leader, [shard]);
      else group.push(shard);
    }
    return [...byNode].map(([nodeId, some]) => ({ nodeId, shards: some }));
  }

  /** Nodes that could read the shard now, this one first. */
  #replicasOf(shard: number, consistency: Consistency): readonly string[] {
    const { leaders, directory, peers } = this.#deps;
    const self = directory.nodeId;
    const others = (formedMap(directory).shards[shard]?.replicas ?? [])
      .map((replica) => replica.nodeId)
      .filter((nodeId) => nodeId !== self && peers.isConnected(nodeId));
    if (!leaders.holds(shard)) return others;
    return consistency === 'eventual' && this.#lags(shard) && others.length > 0 ? others : [self, ...others];
  }

  #lags(shard: number): boolean {
    const { groups, shards } = this.#deps;
    return groups.status(shard).raft.commit - shards.applied(shard) > EVENTUAL_LAG_ENTRIES_MAX;
  }

  async #attempt<T>(
    target: ReadTarget,
    attempt: Attempt,
    read: (reader: ShardReader, scope: ReadScope) => Promise<T>,
  ): Promise<AttemptResult<T>> {
    const { nodeId, shards } = attempt;
    const reader = this.#readerOf(nodeId);
    try {
      const value = await read(reader, this.#scope(target, attempt));
      return { ok: true, part: { value, reader, nodeId, shards } };
    } catch (error) {
      const failure = classifyFailure(error);
      switch (failure.kind) {
        case 'refused':
          // Another node may have room; everything else would be refused there too.
          if (failure.error.code !== 'TOO_MANY_REQUESTS') throw failure.error;
          return { ok: false, attempt, reason: failure.error.message, leader: undefined };
        case 'reroute':
          return { ok: false, attempt, reason: failure.reason, leader: failure.leader };
        case 'unknown':
          return { ok: false, attempt, reason: failure.reason, leader: undefined };
        default:
          return unreachable(failure);
      }
    }
  }

  #scope(target: ReadTarget, attempt: Attempt): ReadScope {
    const nowMs = this.#deps.clock.nowMs();
    const { consistency, deadlineMs } = target;
    // Half of what is left for a node that may hang, so that there is time for another one.
    const isRemote = attempt.nodeId !== this.#deps.directory.nodeId;
    return {
      consistency,
      shards: attempt.shards,
      pointDeadlineMs: Math.min(deadlineMs, nowMs + POINT_PATIENCE_MS),
      deadlineMs: isRemote
        ? Math.min(deadlineMs, nowMs + Math.max(POINT_PATIENCE_MS, (deadlineMs - nowMs) / 2))
        : deadlineMs,
    };
  }

  #readerOf(nodeId: string): ShardReader {
    return nodeId === this.#deps.directory.nodeId ? this.#deps.local : new RemoteReader(nodeId, this.#deps);
  }

  #learn(result: { readonly attempt: Attempt; readonly leader: string | undefined }): void {
    for (const shard of result.attempt.shards) this.#deps.leaders.learn(shard, result.leader);
  }

  /** Goes on at once while untried replicas remain; else starts over with all of them after a pause. */
  async #pauseBeforeRetry(
    target: ReadTarget,
    state: { readonly pending: readonly number[]; readonly failed: Set<string>; readonly reason: string },
  ): Promise<void> {
    const { clock, leaders } = this.#deps;
    const leftMs = target.deadlineMs - clock.nowMs();
    const first = state.pending[0];
    if (leftMs <= 0 || first === undefined) {
      const named = `shard${state.pending.length === 1 ? '' : 's'} ${state.pending.join(', ')}`;
      const details = { shards: state.pending };
      throw new GrapeError('SHARD_UNAVAILABLE', `${named} cannot be read now: ${state.reason}`, details);
    }
    const covered = this.#plan(target, state.pending, state.failed).reduce(
      (sum, part) => sum + part.shards.length,
      0,
    );
    if (target.consistency !== 'leader' && covered === state.pending.length) return;
    state.failed.clear();
    await leaders.changed(first, Math.min(RETRY_PAUSE_MS, leftMs));
  }
}
