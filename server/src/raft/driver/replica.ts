import { type Clock, NotLeaderError, unreachable } from '../../base/index.ts';
import {
  decodeConfChange,
  type Entry,
  type Message,
  NO_REPLICA,
  type Raft,
  type RaftStatus,
  type ReplicaId,
  type SoftState,
} from '../core/index.ts';
import type { GroupLog } from '../log/group-log.ts';
import type { RaftMetrics } from '../types.ts';
import { GroupProposals, type ProposalBudget } from './proposals.ts';
import { GroupReads } from './reads.ts';

/** Bytes of commands of one group that are proposed in one turn, unless a single one is larger. */
const PROPOSE_BYTES_MAX = 8 * 2 ** 20;

export interface ReplicaParts {
  readonly group: number;
  readonly id: ReplicaId;
  readonly nodes: ReadonlyMap<ReplicaId, string>;
  readonly applied: number;
  readonly core: Raft;
  readonly log: GroupLog;
  readonly clock: Clock;
  readonly budget: ProposalBudget;
  readonly metrics: RaftMetrics | undefined;
}

/** One replica of one group on this node: its core, its log, and who waits for what. */
export class Replica {
  readonly group: number;
  readonly id: ReplicaId;
  /** Node of each replica of the group. */
  nodes: ReadonlyMap<ReplicaId, string>;
  readonly core: Raft;
  readonly log: GroupLog;
  /** Nothing happens to it any more. */
  isClosed = false;
  /** It campaigns without waiting, until the group has had a leader. */
  #isFounding = false;
  #foundingTicks = 0;
  readonly proposals: GroupProposals;
  readonly reads: GroupReads;
  /** The log is being read from the disk for this replica or its followers. */
  isLoading = false;
  readonly #clock: Clock;
  readonly #metrics: RaftMetrics | undefined;
  #soft: SoftState = { role: 'follower', leader: NO_REPLICA };
  #applied: number;
  #heardLeaderMs: number;

  constructor(parts: ReplicaParts) {
    this.group = parts.group;
    this.id = parts.id;
    this.nodes = parts.nodes;
    this.core = parts.core;
    this.log = parts.log;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#applied = parts.applied;
    this.#heardLeaderMs = parts.clock.nowMs();
    this.reads = new GroupReads({
      onConfirmed: (reads) => this.#metrics?.readsConfirmed(this.group, reads),
    });
    this.proposals = new GroupProposals(parts.budget, (sinceMs) =>
      this.#metrics?.committed(this.group, (this.#clock.nowMs() - sinceMs) / 1000),
    );
  }

  get isLeader(): boolean {
    return this.#soft.role === 'leader';
  }

  get isVoter(): boolean {
    return this.log.confState.voters.includes(this.id);
  }

  get leaderNode(): string | undefined {
    return this.nodes.get(this.#soft.leader);
  }

  get applied(): number {
    return this.#applied;
  }

  get lastHeardLeaderMs(): number {
    return this.isLeader ? this.#clock.nowMs() : this.#heardLeaderMs;
  }

  /** Somebody waits for a turn. */
  get hasWaiting(): boolean {
    return this.proposals.hasWaiting || this.reads.hasWaiting;
  }

  /** The message is dropped when `fromNode` is not the node of its sender, or it is meant for another replica. */
  step(fromNode: string, message: Message): void {
    if (!this.accepts(fromNode, message)) return;
    // It comes with its data over the second connection, and is stepped when they are installed.
    if (message.type === 'snapshot') return;
    this.core.step(message);
    if (message.from === this.#soft.leader) this.#heardLeaderMs = this.#clock.nowMs();
  }

  /** Campaigns at once, as the one that is meant to lead a new group. */
  found(): void {
    this.#isFounding = true;
    this.core.campaign();
  }

  /**
   * The others may not have started the group when the first campaign asked them: without another one nothing would happen
   * for a whole election timeout. Asking for pre-votes again changes no term.
   */
  tickFounding(periodTicks: number): void {
    if (!this.#isFounding) return;
    const { term, leader } = this.core.status();
    if (term > 0 || leader !== NO_REPLICA) {
      this.#isFounding = false;
      return;
    }
    this.#foundingTicks += 1;
    if (this.#foundingTicks % periodTicks === 0) this.core.campaign();
  }

  /** Hands what waits to the core: one array of commands, one read round. */
  drain(): void {
    if (this.proposals.hasWaiting) this.#propose();
    if (!this.reads.hasWaiting) return;
    const context = this.reads.startRound();
    if (context !== undefined) this.core.readIndex(context);
  }

  /** True when the leader, or whether this replica is it, changed. */
  setSoftState(soft: SoftState): boolean {
    const before = this.#soft;
    this.#soft = soft;
    const wasCandidate = before.role === 'candidate' || before.role === 'leader';
    const isCandidate = soft.role === 'candidate' || soft.role === 'leader';
    if (isCandidate && !wasCandidate) this.#metrics?.electionStarted(this.group);
    if (soft.leader !== NO_REPLICA) this.#heardLeaderMs = this.#clock.nowMs();
    return before.leader !== soft.leader || (before.role === 'leader') !== (soft.role === 'leader');
  }

  /** The state machine has applied `entries`: configuration changes take effect, those who wait are answered. */
  onApplied(entries: readonly Entry[], results: readonly unknown[]): void {
    for (const entry of entries) {
      if (entry.kind === 'confChange') this.#applyConfChange(entry);
    }
    this.#applied = entries.at(-1)?.index ?? this.#applied;
    this.log.setApplied(this.#applied);
    this.core.onApplied(this.#applied);
    this.proposals.applied(entries, results);
    this.reads.applied(this.#applied);
  }

  /** The state of a snapshot is in use; the core knows already. */
  restored(index: number): void {
    this.#applied = index;
    this.proposals.overtaken(index);
    this.reads.applied(index);
  }

  /** Whether a message to this replica may come from `fromNode`. */
  accepts(fromNode: string, message: Message): boolean {
    return message.to === this.id && this.nodes.get(message.from) === fromNode;
  }

  /** Asks the core to hand leadership to the best of the other voters; false when none of them answers. */
  handOver(): boolean {
    const status = this.core.status();
    if (status.transferee !== NO_REPLICA) return true;
    const target = bestSuccessor(status);
    if (target !== undefined) this.core.transferLeader(target);
    return target !== undefined;
  }

  /** The voter on a node; one that it replaces, or that is still catching up, may be there beside it. */
  voterOn(node: string): ReplicaId | undefined {
    return this.log.confState.voters.find((replica) => this.nodes.get(replica) === node);
  }

  close(): void {
    this.isClosed = true;
    this.proposals.close();
    this.reads.close();
  }

  #propose(): void {
    const commands = this.proposals.peek(PROPOSE_BYTES_MAX);
    const result = this.core.propose(commands);
    switch (result.kind) {
      case 'accepted':
        this.proposals.accepted(commands.length, result);
        this.#metrics?.proposed(this.group, commands.length);
        return;
      case 'notLeader':
        this.proposals.refuseWaiting(new NotLeaderError(this.nodes.get(result.leader)));
        return;
      case 'full':
      case 'transferring':
        // They keep waiting, in order: entries get applied, a transfer ends within an election timeout.
        return;
      default:
        unreachable(result);
    }
  }

  #applyConfChange(entry: Entry): void {
    // The stored configuration may be newer than the applied state was at the last start.
    if (entry.index <= this.log.configurationIndex) return;
    const confState = this.core.applyConfChange(decodeConfChange(entry.data));
    this.log.setConfiguration({ index: entry.index, confState });
  }
}

/** The other voter with the longest log among those that answer; the lowest id of equals. */
function bestSuccessor(status: RaftStatus): ReplicaId | undefined {
  let best: { readonly replica: ReplicaId; readonly match: number } | undefined;
  for (const { replica, isLearner, recentActive, match } of status.progress) {
    if (replica === status.id || isLearner || !recentActive) continue;
    if (best === undefined || match > best.match) best = { replica, match };
  }
  return best?.replica;
}
