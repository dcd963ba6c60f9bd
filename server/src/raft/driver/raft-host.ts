import {
  type Abandonment,
  asError,
  GrapeError,
  invariant,
  NotLeaderError,
  pause,
  present,
  type Timer,
} from '../../base/index.ts';
import { PatientKv } from '../../storage/index.ts';
import type { Message, Ready } from '../core/index.ts';
import { LogStore } from '../log/log-store.ts';
import { TAIL_BYTES_MAX } from '../log/tail-budget.ts';
import type { GroupMessage, GroupStart, GroupStatus, MembershipChange, Proposal } from '../types.ts';
import { AppendGate } from './append-gate.ts';
import { type Applied, ApplyPipeline } from './apply-pipeline.ts';
import { Compactor } from './compactor.ts';
import { DiskSpeed } from './disk-speed.ts';
import { EntryReader } from './entry-reader.ts';
import type { RaftHostDeps } from './host-deps.ts';
import { TurnClock } from './lease-timer.ts';
import { proposeMembership } from './membership.ts';
import { Outbox } from './outbox.ts';
import { Persister, type Pending } from './persister.ts';
import { noRoom, refusedProposal } from './proposals.ts';
import type { Replica } from './replica.ts';
import { ReplicaTable } from './replica-table.ts';
import { SNAPSHOT_KIND, type SnapshotMessage } from './snapshot-frames.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SNAPSHOT_BYTES_PER_SECOND, SnapshotSender } from './snapshot-sender.ts';
import { planTicks, TICKS_OWED_MAX, TickCounter, type TickPlan } from './timing.ts';

export type LeaderListener = (group: number, leaderNode: string | undefined, isLeader: boolean) => void;

/**
 * All Raft groups of the node, driven together. A turn proposes what waits, takes what every group has ready, sends at
 * once what may leave, and starts one write batch for all groups; the next turns go on while the disk works. What a
 * message promises is durable before it leaves: such messages come back from the persister.
 */
export class RaftHost {
  readonly #deps: RaftHostDeps;
  readonly #store: LogStore;
  readonly #gate: AppendGate;
  readonly #plan: TickPlan;
  readonly #ticks: TickCounter;
  readonly #turnClock: TurnClock;
  readonly #timer: Timer;
  readonly #replicas: ReplicaTable;
  readonly #listeners: LeaderListener[] = [];
  readonly #outbox: Outbox;
  readonly #persister: Persister;
  readonly #speed: DiskSpeed;
  readonly #pipeline: ApplyPipeline;
  readonly #reader: EntryReader;
  readonly #compactor: Compactor;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  /** Replicas that something happened to since the last turn. */
  readonly #dirty = new Set<Replica>();
  #ticksOwed = 0;
  #isScheduled = false;
  #state: 'running' | 'stopped' | 'failed' = 'running';

  private constructor(deps: RaftHostDeps, store: LogStore) {
    const onError = (error: unknown): void => this.#fail(error);
    this.#deps = deps;
    this.#store = store;
    this.#gate = new AppendGate(deps.disk);
    this.#plan = planTicks(deps.options);
    this.#speed = new DiskSpeed(deps.clock, deps.options.electionTimeoutMs / 2);
    this.#ticks = new TickCounter(deps.clock, this.#plan.tickMs);
    this.#turnClock = new TurnClock(deps.clock);
    const { maxAppendEntries, leaseReads = false } = deps.options;
    this.#replicas = new ReplicaTable({
      ...deps,
      metrics: deps.metrics,
      store,
      plan: this.#plan,
      maxAppendEntries,
      leases: leaseReads ? this.#turnClock : undefined,
    });
    this.#outbox = new Outbox(deps.transport);
    this.#persister = new Persister({
      store,
      clock: deps.clock,
      metrics: deps.metrics,
      floor: deps.floor,
      speed: this.#speed,
      onDurable: (batch) => this.#onDurable(batch),
      onError,
    });
    this.#pipeline = new ApplyPipeline({
      applier: deps.applier,
      onApplied: (work) => this.#onApplied(work),
      onError,
    });
    this.#reader = new EntryReader({
      store,
      clock: deps.clock,
      onLoaded: (replica) => this.#touch(replica),
      onError,
    });
    this.#compactor = new Compactor({
      store,
      applier: deps.applier,
      threshold: deps.options.logCompactionThreshold,
      metrics: deps.metrics,
      onError,
    });
    const shared = { ...deps, metrics: deps.metrics, pipeline: this.#pipeline };
    this.#sender = new SnapshotSender({
      ...shared,
      link: deps.transport,
      bytesPerSecond: deps.options.snapshotBytesPerSecond ?? ((): number => SNAPSHOT_BYTES_PER_SECOND),
      onReported: (replica) => this.#touch(replica),
    });
    this.#receiver = new SnapshotReceiver({
      ...shared,
      hasRoom: () => this.#gate.hasRoom,
      replicaOf: (group) => (this.#state === 'running' ? this.#replicas.get(group) : undefined),
      offer: (replica, message, generation) => this.#offer(replica, message, generation),
    });
    deps.transport.handle(SNAPSHOT_KIND, (from, body) => this.#receiver.take(from.nodeId, body));
    deps.transport.onRaft((fromNode, messages) => this.#guard(() => this.#receive(fromNode, messages)));
    this.#timer = deps.clock.every(this.#plan.tickMs, () => this.#onTimer());
  }

  /** Reads and checks all logs. Rejects when the store cannot be read. */
  static async open(deps: RaftHostDeps): Promise<RaftHost> {
    const { tailBytesMax = TAIL_BYTES_MAX } = deps.options;
    const kv = new PatientKv(deps.kv, deps.clock);
    return new RaftHost(deps, await LogStore.open(kv, { tailBytesMax }));
  }

  /** A group whose log is damaged is not started; `status` says so. */
  startGroup(start: GroupStart): void {
    const replica = this.#replicas.add(start);
    if (replica === undefined) return;
    if (start.campaignAtOnce) this.#guard(() => replica.found());
    this.#touch(replica);
  }

  /** `command` must not change any more: it is the entry's data. */
  propose(group: number, command: Buffer): Proposal {
    const replica = this.#replicas.get(group);
    if (replica === undefined || this.#state !== 'running')
      return refusedProposal(new NotLeaderError(undefined));
    if (!replica.isLeader) return refusedProposal(new NotLeaderError(replica.leaderNode));
    if (!this.#gate.hasRoom) return refusedProposal(noRoom());
    const proposal = replica.proposals.add(command, this.#deps.clock.nowMs());
    this.#touch(replica);
    return proposal;
  }

  /**
   * Resolves with a commit index that was current when the call was made, once the local replica has applied it.
   * Rejects with SHARD_UNAVAILABLE, TOO_MANY_REQUESTS or the reason of `signal`; without a signal it may wait long.
   */
  readBarrier(group: number, abandonment?: Abandonment): Promise<number> {
    const replica = this.#replicas.get(group);
    if (replica === undefined || this.#state !== 'running') {
      return Promise.reject(
        new GrapeError('SHARD_UNAVAILABLE', 'this node has no working replica of the shard'),
      );
    }
    const barrier = replica.reads.add(abandonment);
    this.#touch(replica);
    return barrier;
  }

  /** Asks that leadership moves; nothing happens when the node holds no caught-up voter. `onLeaderChange` tells. */
  transferLeader(group: number, toNode: string): void {
    const replica = present(this.#replicas.get(group), 'the group');
    const target = replica.voterOn(toNode);
    if (target === undefined || this.#state !== 'running') return;
    this.#guard(() => replica.core.transferLeader(target));
    this.#touch(replica);
  }

  status(group: number): GroupStatus {
    return this.#replicas.status(group);
  }

  /** Synced writes take more than half an election timeout: this node should not lead. */
  get isDiskSlow(): boolean {
    return this.#speed.isSlow;
  }

  /** Of the last write batch that is synced; 0: none since the start. */
  get syncedSequence(): number {
    return this.#persister.syncedSequence;
  }

  /** Generation of the state of a group that is in use on this node; 1 when nothing says otherwise. */
  generation(group: number): number {
    return this.#store.generation(group);
  }

  /** Whose log is stored for a group; undefined when none is, or it is damaged. */
  replicaId(group: number): number | undefined {
    return this.#store.replicaId(group);
  }

  /** See `proposeMembership`. */
  changeMembership(group: number, change: MembershipChange): void {
    const replica = this.#replicas.get(group);
    if (replica === undefined || this.#state !== 'running') throw new NotLeaderError(undefined);
    this.#touch(replica);
    proposeMembership(replica, change);
  }

  /** The nodes of a group's replicas from now on. */
  setNodes(group: number, nodes: ReadonlyMap<number, string>): void {
    const replica = this.#replicas.get(group);
    if (replica !== undefined) replica.nodes = nodes;
  }

  /** The replica takes no part any more; resolves when nothing of it is written or applied. Its log stays. */
  async stopGroup(group: number): Promise<void> {
    const replica = this.#replicas.remove(group);
    if (replica === undefined) return;
    this.#dirty.delete(replica);
    this.#pipeline.drop(replica);
    await this.#persister.settled();
    await this.#pipeline.between(() => undefined);
  }

  /**
   * Makes this node's log of a group that is not started the empty one of another replica, whose state is `generation`.
   * Durable when it resolves; a rejection means that the store failed.
   */
  async resetGroup(
    group: number,
    o: { readonly replicaId: number; readonly generation: number },
  ): Promise<void> {
    invariant(!this.#replicas.has(group), 'the group is not started', { group });
    await this.#persister.alone(() => this.#store.reset(group, o));
    this.#schedule();
  }

  /** All groups given to `startGroup`, ascending. */
  groups(): readonly number[] {
    return this.#replicas.groups;
  }

  /** Called after every change of the leader of a group; must not throw. */
  onLeaderChange(listener: LeaderListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Hands leadership of every led group to another voter. Resolves when done, when nobody has been there to take it for
   * an election timeout, and at the latest at `untilMs` (`Clock.nowMs`).
   */
  async transferAllLeadership(untilMs: number): Promise<void> {
    const { clock, options } = this.#deps;
    let hopeUntilMs = clock.nowMs() + options.electionTimeoutMs;
    while (this.#state === 'running' && clock.nowMs() < Math.min(untilMs, hopeUntilMs)) {
      const led = [...this.#replicas.all()].filter((replica) => replica.isLeader && replica.nodes.size > 1);
      if (led.length === 0) return;
      if (this.#handOver(led)) hopeUntilMs = clock.nowMs() + options.electionTimeoutMs;
      await pause(clock, this.#plan.tickMs);
    }
  }

  /** Finishes the write and the apply under way; everybody who still waits is answered. */
  async stop(): Promise<void> {
    if (this.#state === 'running') this.#state = 'stopped';
    this.#timer.cancel();
    await this.#persister.settled();
    this.#sender.close();
    await this.#pipeline.close();
    await this.#reader.settled();
    await this.#compactor.settled();
    for (const replica of this.#replicas.all()) replica.close();
  }

  #receive(fromNode: string, messages: readonly GroupMessage[]): void {
    if (this.#state !== 'running') return;
    this.#turnClock.begin();
    for (const { group, message } of messages) {
      const replica = this.#replicas.get(group);
      if (replica === undefined) continue;
      if (!this.#gate.admits(message)) continue;
      replica.step(fromNode, message);
      this.#touch(replica);
    }
  }

  #onTimer(): void {
    this.#ticksOwed = Math.min(this.#ticksOwed + this.#ticks.take(), TICKS_OWED_MAX);
    // The turn runs after the sockets: a heartbeat that came in during a pause counts before the tick does.
    if (this.#ticksOwed > 0) this.#schedule();
  }

  #touch(replica: Replica): void {
    if (replica.isClosed) return;
    this.#dirty.add(replica);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#state !== 'running') return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#guard(() => this.#turn());
    });
  }

  #turn(): void {
    if (this.#state !== 'running') return;
    this.#turnClock.begin();
    const isTick = this.#tick();
    const replicas = [...this.#dirty];
    this.#dirty.clear();
    for (const replica of replicas) replica.drain();
    for (const replica of replicas) {
      if (replica.core.hasReady()) this.#route(replica, replica.core.ready());
      this.#reader.load(replica);
      if (replica.core.hasReady()) this.#touch(replica);
    }
    for (const replica of this.#outbox.flush()) this.#touch(replica);
    this.#persister.flush(isTick);
    this.#pipeline.pump();
  }

  #tick(): boolean {
    const owed = this.#ticksOwed;
    this.#ticksOwed = 0;
    for (let count = 0; count < owed; count += 1) {
      for (const replica of this.#replicas.all()) {
        replica.core.tick();
        replica.tickFounding(this.#plan.heartbeatTicks);
      }
    }
    if (owed === 0) return false;
    this.#receiver.expire();
    for (const replica of this.#replicas.all()) {
      if (replica.core.hasReady() || replica.hasWaiting) this.#dirty.add(replica);
      this.#compactor.check(replica);
    }
    return true;
  }

  #route(replica: Replica, ready: Ready, generation?: number): void {
    if (ready.softState !== undefined && replica.setSoftState(ready.softState)) this.#announce(replica);
    this.#send(replica, ready.messages);
    if (ready.persist !== undefined) this.#persister.add(replica, ready.persist, generation);
    if (ready.committed.length > 0) this.#pipeline.add(replica, ready.committed);
    for (const state of ready.readStates) replica.reads.confirmed(state, replica.applied);
    for (const context of ready.readFailures) replica.reads.failed(context);
  }

  /** A snapshot leaves with its data, over the second connection. */
  #send(replica: Replica, messages: readonly Message[]): void {
    const others = messages.filter((message) => message.type !== 'snapshot');
    this.#outbox.add(replica, others);
    if (others.length === messages.length) return;
    for (const message of messages) if (message.type === 'snapshot') this.#sender.send(replica, message);
  }

  /** The data of a snapshot are durable in `generation`; true when the core takes it. */
  #offer(replica: Replica, message: SnapshotMessage, generation: number): boolean {
    if (this.#state !== 'running' || replica.isClosed) return false;
    replica.core.step(message);
    const ready = replica.core.ready();
    this.#route(replica, ready, generation);
    this.#touch(replica);
    return ready.persist?.snapshot !== undefined;
  }

  /** Log and generation are durable; nothing behind the snapshot is applied before the state machine has switched. */
  #switch(replica: Replica, index: number, generation: number): void {
    const switching = this.#pipeline.between(async () => {
      if (replica.isClosed) return;
      await this.#deps.applier.switchTo(replica.group, generation);
      replica.restored(index);
      this.#touch(replica);
    });
    switching.catch((error: unknown) => {
      if (this.#state === 'running') this.#fail(error);
    });
  }

  /** The next turn runs at once: what was gated and what follows from it leave in one write per peer. */
  #onDurable(batch: readonly Pending[]): void {
    if (this.#state !== 'running') return;
    for (const { replica, persist, generation } of batch) {
      if (replica.isClosed) continue;
      replica.core.onAppended(persist.token);
      this.#send(replica, persist.messagesAfter);
      if (generation !== undefined && persist.snapshot !== undefined)
        this.#switch(replica, persist.snapshot.index, generation);
      this.#dirty.add(replica);
    }
    this.#turn();
  }

  #onApplied(work: readonly Applied[]): void {
    if (this.#state === 'failed') return;
    for (const { replica, entries, results } of work) {
      if (replica.isClosed) continue;
      replica.onApplied(entries, results);
      this.#touch(replica);
    }
    if (this.#state === 'running') this.#pipeline.pump();
  }

  /** True when some of them have a successor. */
  #handOver(led: readonly Replica[]): boolean {
    let hasSuccessor = false;
    for (const replica of led) {
      this.#guard(() => {
        hasSuccessor = replica.handOver() || hasSuccessor;
      });
      this.#touch(replica);
    }
    return hasSuccessor;
  }

  #announce(replica: Replica): void {
    for (const listener of this.#listeners) listener(replica.group, replica.leaderNode, replica.isLeader);
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(thrown: unknown): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#timer.cancel();
    // Whoever ends the process says why, in one line.
    const onFatal = this.#deps.onFatal ?? throwUncaught;
    onFatal(asError(thrown));
  }
}

function throwUncaught(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
