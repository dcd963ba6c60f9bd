import { present, type Random } from '../../../base/index.ts';
import { createRaft, decodeConfChange } from '../index.ts';
import type {
  ConfState,
  Entry,
  Message,
  Persist,
  Raft,
  RaftOptions,
  Ready,
  Role,
  SnapshotMetadata,
} from '../types.ts';
import { MemoryStorage } from './memory-storage.ts';
import { TestLease } from './test-lease.ts';

/** The state machine: what was applied, and the configuration that came with it. */
interface Machine {
  readonly applied: number;
  readonly confState: ConfState;
}

/** `leases`: a lease lasts one tick less than an election timeout. */
export type TestNodeOptions = Omit<RaftOptions, 'applied' | 'leaseClock'> & { readonly leases?: boolean };

/** One replica with its disk and its state machine, driven by hand: writes and applies complete when told to. */
export class TestNode {
  readonly storage: MemoryStorage;
  readonly #options: TestNodeOptions;
  readonly #random: Random;
  #raft: Raft | undefined;
  #lease: TestLease | undefined;
  #machine: Machine;
  #flushed: Machine;
  #role: Role = 'follower';
  /** Handed out, not durable yet, oldest first. */
  #writes: Persist[] = [];
  /** Handed out, not applied yet. */
  #toApply: Entry[] = [];

  constructor(options: TestNodeOptions, confState: ConfState, random: Random) {
    this.#options = options;
    this.#random = random;
    this.storage = new MemoryStorage(confState);
    this.#machine = { applied: 0, confState };
    this.#flushed = this.#machine;
    this.start();
  }

  get id(): number {
    return this.#options.id;
  }

  get isUp(): boolean {
    return this.#raft !== undefined;
  }

  get raft(): Raft {
    return present(this.#raft, 'the running replica');
  }

  get applied(): number {
    return this.#machine.applied;
  }

  get confState(): ConfState {
    return this.#machine.confState;
  }

  get writesPending(): number {
    return this.#writes.length;
  }

  get appliesPending(): number {
    return this.#toApply.length;
  }

  /** Starts from what the disk holds. */
  start(): void {
    this.#machine = this.#flushed;
    this.#role = 'follower';
    this.storage.setConfState(this.#machine.confState);
    const { leases, ...options } = this.#options;
    this.#lease = leases === true ? new TestLease(options.electionTicks - 1) : undefined;
    const parts = { ...options, applied: this.#machine.applied, leaseClock: this.#lease };
    this.#raft = createRaft(parts, this.storage, this.#random);
  }

  tick(): void {
    this.passTime(1);
    this.raft.tick();
  }

  /** Ticks that nobody counts, as while a process is stopped. */
  passTime(ticks: number): void {
    this.#lease?.pass(ticks);
  }

  /** The process dies: writes that were not completed are lost, and so is applied state that was not flushed. */
  kill(): void {
    this.#raft = undefined;
    this.#writes = [];
    this.#toApply = [];
  }

  /** The power fails: besides, what was written without a sync is lost. */
  crash(): void {
    this.kill();
    this.storage.loseUnsynced();
  }

  /** As told by the last turn. */
  get role(): Role {
    return this.#role;
  }

  /** What the driver does in one turn; the write and the entries to apply stay pending. */
  turn(): Ready {
    const ready = this.raft.ready();
    this.#role = ready.softState?.role ?? this.#role;
    if (ready.persist !== undefined) this.#writes.push(ready.persist);
    this.#toApply.push(...ready.committed);
    return ready;
  }

  /** The oldest write reaches the disk, but nobody lives to hear of it. */
  storeOldestWrite(): void {
    const persist = present(this.#writes.shift(), 'a write to complete');
    this.storage.write(persist);
    if (persist.snapshot !== undefined) this.#install(persist.snapshot);
  }

  /** The oldest write is durable; answers the messages that may leave now. */
  sync(): readonly Message[] {
    const persist = present(this.#writes.shift(), 'a write to complete');
    this.storage.write(persist);
    if (persist.snapshot !== undefined) this.#install(persist.snapshot);
    this.raft.onAppended(persist.token);
    return persist.messagesAfter;
  }

  /** Applies everything handed out; answers the entries. */
  apply(): readonly Entry[] {
    const entries = this.#toApply;
    this.#toApply = [];
    for (const entry of entries) this.#applyEntry(entry);
    return entries;
  }

  /** The applied state reaches the disk. */
  flush(): void {
    this.#flushed = this.#machine;
  }

  /** Drops the log up to what is applied, which the disk has. */
  compact(): void {
    this.flush();
    if (this.applied >= this.storage.firstIndex()) this.storage.compact(this.applied, this.confState);
  }

  #applyEntry(entry: Entry): void {
    let { confState } = this.#machine;
    if (entry.kind === 'confChange') confState = this.raft.applyConfChange(decodeConfChange(entry.data));
    this.#machine = { applied: entry.index, confState };
    this.raft.onApplied(entry.index);
  }

  /** The data came over another connection and is in place. */
  #install(snapshot: SnapshotMetadata): void {
    this.#toApply = [];
    this.#machine = { applied: snapshot.index, confState: snapshot.confState };
    this.flush();
  }
}
