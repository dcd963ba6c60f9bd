import { type Clock, invariant, present, type Random } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import { createRaft } from '../core/index.ts';
import type { GroupLog } from '../log/group-log.ts';
import type { LogStore } from '../log/log-store.ts';
import type { GroupStart, GroupStatus, RaftMetrics } from '../types.ts';
import { bootstrapConf, coreOptions, damageOf, recoverConfiguration } from './group-start.ts';
import { damagedStatus, ReplicaStatus } from './group-status.ts';
import { LeaseTimer, leaseMs, type TurnClock } from './lease-timer.ts';
import type { ProposalBudget } from './proposals.ts';
import { Replica } from './replica.ts';
import type { TickPlan } from './timing.ts';

export interface ReplicaTableDeps {
  readonly store: LogStore;
  readonly plan: TickPlan;
  readonly maxAppendEntries: number;
  /** With it the leaders among the replicas read by leases. */
  readonly leases: TurnClock | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: RaftMetrics | undefined;
}

/** The replicas of this node, and the groups whose replica may not take part because its log is damaged. */
export class ReplicaTable {
  readonly #deps: ReplicaTableDeps;
  readonly #replicas = new Map<number, Replica>();
  readonly #damaged = new Map<number, { readonly start: GroupStart; readonly reason: string }>();
  readonly #budget: ProposalBudget = { bytes: 0 };
  /** Kept ready: every request asks for it. */
  #groups: readonly number[] = [];

  constructor(deps: ReplicaTableDeps) {
    this.#deps = deps;
  }

  /** All groups that were added, ascending. */
  get groups(): readonly number[] {
    return this.#groups;
  }

  get(group: number): Replica | undefined {
    return this.#replicas.get(group);
  }

  all(): IterableIterator<Replica> {
    return this.#replicas.values();
  }

  has(group: number): boolean {
    return this.#replicas.has(group) || this.#damaged.has(group);
  }

  status(group: number): GroupStatus {
    const replica = this.#replicas.get(group);
    if (replica !== undefined) return new ReplicaStatus(replica);
    const { start, reason } = present(this.#damaged.get(group), 'the group');
    return damagedStatus(start, reason);
  }

  /** Undefined when the log is damaged. */
  add(start: GroupStart): Replica | undefined {
    const { group, replicaId: id, nodes, applied } = start;
    invariant(!this.has(group), 'a group is started once', { group });
    const log = this.#logOf(start);
    if (log === undefined) return undefined;
    recoverConfiguration(log, applied);
    const { clock, metrics, random, plan, maxAppendEntries, leases } = this.#deps;
    const leaseClock = leases && new LeaseTimer(leases, leaseMs(plan));
    const core = createRaft(coreOptions(start, { plan, maxAppendEntries, leaseClock }), log, random);
    log.setApplied(applied);
    const replica = new Replica({
      group,
      id,
      nodes,
      applied,
      core,
      log,
      clock,
      budget: this.#budget,
      metrics,
    });
    this.#replicas.set(group, replica);
    this.#list();
    return replica;
  }

  /** The group is not started any more; its replica, if it ran, is closed and answered. */
  remove(group: number): Replica | undefined {
    const replica = this.#replicas.get(group);
    this.#damaged.delete(group);
    this.#replicas.delete(group);
    this.#list();
    replica?.close();
    return replica;
  }

  #logOf(start: GroupStart): GroupLog | undefined {
    const { group, replicaId } = start;
    const { store } = this.#deps;
    const stored = store.group(group);
    const damage = damageOf(stored, start);
    if (damage !== undefined) {
      this.#setDamaged(start, damage);
      return undefined;
    }
    if (stored?.kind === 'ok') return stored.log;
    return store.create(group, { replicaId, confState: bootstrapConf(start) });
  }

  #setDamaged(start: GroupStart, reason: string): void {
    const { group, replicaId } = start;
    this.#damaged.set(group, { start, reason });
    this.#list();
    this.#deps.metrics?.damaged(group);
    this.#deps.logger.error('the log of a group is damaged: its replica neither votes nor acknowledges', {
      group,
      replica: replicaId,
      reason,
    });
  }

  #list(): void {
    this.#groups = [...this.#replicas.keys(), ...this.#damaged.keys()].sort((a, b) => a - b);
  }
}
