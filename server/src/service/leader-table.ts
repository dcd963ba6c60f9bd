import { type Clock, GrapeError } from '../base/index.ts';
import type { Directory, Groups, Peers } from './ports.ts';

/** Log entries that wait, at one time on one node, for their shard to have a leader. */
export const WAITING_FOR_LEADER_MAX = 4096;

/**
 * Who leads which shard. A shard with a replica here is asked of Raft; for the others the table remembers what other
 * nodes said, starts with the preferred leader, and goes through the replicas while nobody knows.
 */
export class LeaderTable {
  readonly #groups: Groups;
  readonly #directory: Directory;
  readonly #peers: Peers;
  readonly #clock: Clock;
  readonly #hints = new Map<number, string>();
  /** Failed attempts since the last hint, by shard: which replica is asked next. */
  readonly #misses = new Map<number, number>();
  readonly #waiting = new Map<number, Set<() => void>>();
  #waitingCount = 0;
  /** The groups of this node, looked up once per turn of the event loop. */
  #held: ReadonlySet<number> | undefined;

  constructor(deps: {
    readonly groups: Groups;
    readonly directory: Directory;
    readonly peers: Peers;
    readonly clock: Clock;
  }) {
    this.#groups = deps.groups;
    this.#directory = deps.directory;
    this.#peers = deps.peers;
    this.#clock = deps.clock;
    deps.groups.onLeaderChange((group) => this.#wake(group));
  }

  holds(shard: number): boolean {
    this.#held ??= this.#lookHeld();
    return this.#held.has(shard);
  }

  /** Undefined while no leader is known, or while there is no connection to it. */
  leaderOf(shard: number): string | undefined {
    const leader = this.holds(shard) ? this.#groups.status(shard).leaderNode : this.#guess(shard);
    if (leader === undefined || leader === this.#directory.nodeId) return leader;
    return this.#peers.isConnected(leader) ? leader : undefined;
  }

  /** Notes what an attempt at `shard` taught; without a leader the next replica is asked. */
  learn(shard: number, leader: string | undefined): void {
    if (leader === undefined) {
      this.#hints.delete(shard);
      this.#misses.set(shard, (this.#misses.get(shard) ?? 0) + 1);
    } else this.#hints.set(shard, leader);
  }

  /** Waits for a change of the leader of `shard`, at most `withinMs`. Throws TOO_MANY_REQUESTS when too many wait. */
  async changed(shard: number, withinMs: number): Promise<void> {
    if (this.#waitingCount >= WAITING_FOR_LEADER_MAX) {
      throw new GrapeError('TOO_MANY_REQUESTS', `${this.#waitingCount} writes already wait for a leader`);
    }
    this.#waitingCount += 1;
    const waiting = this.#waiting.get(shard) ?? new Set();
    this.#waiting.set(shard, waiting);
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(Math.max(0, withinMs), done);
      function done(): void {
        timer.cancel();
        waiting.delete(done);
        resolve();
      }
      waiting.add(done);
    });
    this.#waitingCount -= 1;
  }

  #lookHeld(): ReadonlySet<number> {
    setImmediate(() => {
      this.#held = undefined;
    });
    // A replica that is catching up, or takes no part, knows no leader and has no state to read.
    return new Set(this.#groups.groups().filter((group) => this.#groups.status(group).isVoter));
  }

  #wake(shard: number): void {
    for (const wake of [...(this.#waiting.get(shard) ?? [])]) wake();
  }

  #guess(shard: number): string | undefined {
    const hint = this.#hints.get(shard);
    if (hint !== undefined) return hint;
    const placement = this.#directory.map()?.shards.find((candidate) => candidate.shard === shard);
    if (placement === undefined || placement.replicas.length === 0) return undefined;
    const nodes = placement.replicas.map((replica) => replica.nodeId);
    const first = Math.max(0, nodes.indexOf(placement.preferredLeader));
    return nodes[(first + (this.#misses.get(shard) ?? 0)) % nodes.length];
  }
}
