/**
 * The vocabulary of the core, taken whole from the Raft thesis (Ongaro 2014) and etcd/raft.
 * Indexes and terms are integers up to 2^53-1 and start at 1; 0 means none.
 */

/** Names one replica of one group; never reused, never 0. The caller maps it to a node. */
export type ReplicaId = number;

export const NO_REPLICA: ReplicaId = 0;

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** `normal` carries an opaque command (empty: the no-op of a new leader), `confChange` an encoded `ConfChange`. */
export type EntryKind = 'normal' | 'confChange';

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  /** Opaque; never copied by the core. */
  readonly data: Buffer;
}

/** What must survive a restart beside the entries. `vote` is `NO_REPLICA` when none was given in `term`. */
export interface HardState {
  readonly term: number;
  readonly vote: ReplicaId;
  readonly commit: number;
}

/** The configuration of a group; joint while `votersOutgoing` is not empty. All lists ascending, without repeats. */
export interface ConfState {
  readonly voters: readonly ReplicaId[];
  readonly votersOutgoing: readonly ReplicaId[];
  readonly learners: readonly ReplicaId[];
  /** Voters of the outgoing configuration that become learners when the joint one is left. */
  readonly learnersNext: readonly ReplicaId[];
  readonly autoLeave: boolean;
}

export interface SnapshotMetadata {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

export type ConfChangeStep =
  | { readonly type: 'addVoter'; readonly replica: ReplicaId }
  | { readonly type: 'addLearner'; readonly replica: ReplicaId }
  | { readonly type: 'remove'; readonly replica: ReplicaId };

/**
 * `auto`: joint only when more than one voter changes, left by itself. `implicit`: always joint, left by itself.
 * `explicit`: always joint, left by a change without steps.
 */
export type ConfChangeTransition = 'auto' | 'implicit' | 'explicit';

export interface ConfChange {
  readonly transition: ConfChangeTransition;
  /** Empty: leave the joint configuration. */
  readonly steps: readonly ConfChangeStep[];
  /** Opaque to the core; the caller keeps the addresses of new replicas here. */
  readonly context: Buffer;
}

interface Header {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  /** Term of the sender; a pre-vote request carries the term it would campaign in. */
  readonly term: number;
}

export type Message =
  | (Header & {
      readonly type: 'preVote' | 'vote';
      readonly lastIndex: number;
      readonly lastTerm: number;
      /** Set by a leadership transfer: the receiver ignores its leader lease. */
      readonly transfer: boolean;
    })
  | (Header & { readonly type: 'preVoteResponse' | 'voteResponse'; readonly reject: boolean })
  | (Header & {
      readonly type: 'append';
      readonly prevIndex: number;
      readonly prevTerm: number;
      readonly entries: readonly Entry[];
      readonly commit: number;
    })
  | (Header & {
      readonly type: 'appendResponse';
      /** Accepted: last index of that message now matched. Rejected: the `prevIndex` that did not match. */
      readonly index: number;
      readonly reject: boolean;
      /** On rejection: the highest index, and its term, at which the logs may agree. */
      readonly hintIndex: number;
      readonly hintTerm: number;
    })
  | (Header & {
      readonly type: 'heartbeat';
      /** min(match, commit) of the receiver. */
      readonly commit: number;
      /** Counter of the newest read round this heartbeat confirms; 0: none. */
      readonly readRound: number;
    })
  | (Header & { readonly type: 'heartbeatResponse'; readonly readRound: number })
  | (Header & { readonly type: 'snapshot'; readonly snapshot: SnapshotMetadata })
  | (Header & { readonly type: 'timeoutNow' })
  /** A follower forwards to the leader; `transferee` asks for a leadership transfer. */
  | (Header & { readonly type: 'transferLeader'; readonly transferee: ReplicaId })
  /** A follower asks the leader for a read index; `context` comes back in the answer. */
  | (Header & { readonly type: 'readIndex'; readonly context: number })
  | (Header & {
      readonly type: 'readIndexResponse';
      readonly context: number;
      readonly index: number;
      readonly reject: boolean;
    });

export type MessageType = Message['type'];

/** A confirmed read: once the state machine has applied `index`, the reads of `context` may be served. */
/** What tells that a read is current: a lease, a round of heartbeats, or the leader's word to a follower that has asked. */
export type ReadConfirmation = 'lease' | 'round' | 'leader';

export interface ReadState {
  readonly context: number;
  readonly index: number;
  readonly by: ReadConfirmation;
}

export interface SoftState {
  readonly role: Role;
  readonly leader: ReplicaId;
}

/** What the caller writes, in one atomic batch, before it calls `onAppended(token)`. */
export interface Persist {
  readonly token: number;
  /** Appended after cutting the stored log to `entries[0].index - 1`. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  /** Set when a received snapshot replaces the log; its data has been installed and flushed already. */
  readonly snapshot: SnapshotMetadata | undefined;
  /**
   * Entries, term, vote, snapshot or the configuration in force changed: the batch is synced. A changed commit alone needs
   * no sync.
   */
  readonly mustSync: boolean;
  /** Messages that may leave only when the batch is durable. */
  readonly messagesAfter: readonly Message[];
}

export interface Ready {
  /** May leave at once. */
  readonly messages: readonly Message[];
  /** Undefined when there is nothing to write or gate. */
  readonly persist: Persist | undefined;
  /** Committed and durable here, in order, to apply; each entry appears once. */
  readonly committed: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** Contexts of reads that cannot be confirmed any more (leader or term changed, no leader). */
  readonly readFailures: readonly number[];
  /** Set when it changed. */
  readonly softState: SoftState | undefined;
}

/** `unavailable`: in the log, but not in memory; the caller loads it and calls `entriesLoaded`. */
export type EntriesResult =
  | { readonly kind: 'ok'; readonly entries: readonly Entry[] }
  | { readonly kind: 'compacted' }
  | { readonly kind: 'unavailable' };

export interface EntriesRange {
  readonly from: number;
  readonly to: number;
  /** Counts `data` alone. */
  readonly bytesMax: number;
  /** For whom: the replica they are sent to, or the own id when they are to be applied. */
  readonly replica: ReplicaId;
}

/** The durable log as the core sees it: synchronous, in memory or cached. Declared here, implemented by the driver. */
export interface LogStorage {
  /**
   * Read once, by `createRaft`. The configuration is that of `RaftOptions.applied`, or a later committed one, whose entries
   * are then not given to `applyConfChange` again. It is empty for a replica that is being added: a snapshot brings it.
   */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /** One above the last compacted index. */
  firstIndex(): number;
  lastIndex(): number;
  /** Term of any index in [firstIndex - 1, lastIndex]; undefined outside. Always in memory. */
  term(index: number): number | undefined;
  /** Entries [from, to), at least one, then as many as fit into `bytesMax`. */
  entries(range: EntriesRange): EntriesResult;
  snapshot(): SnapshotMetadata;
}

/** Time, as far as leases need it: the core has none. */
export interface LeaseClock {
  /** Heartbeats of this round leave from now on. Rounds ascend. */
  roundStarts(round: number): void;
  /** True while voters that have answered this round, however soon, surely keep their promise. */
  isWithin(round: number): boolean;
}

export interface RaftOptions {
  readonly id: ReplicaId;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Index up to which the state machine has applied; the core hands out entries above it. */
  readonly applied: number;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  readonly messageBytesMax: number;
  /** Most entries in one append message (`[raft] max_append_entries`). */
  readonly messageEntriesMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly uncommittedBytesMax: number;
  /** Most bytes handed out in one `Ready.committed`, and in all that are not applied yet; a larger entry comes alone. */
  readonly committedBytesMax: number;
  /** With it a leader answers reads from a lease where it holds one; needs `checkQuorum`. */
  readonly leaseClock?: LeaseClock | undefined;
}

export type ProposeResult =
  | {
      readonly kind: 'accepted';
      /** Indexes given to the entries, in order. */ readonly firstIndex: number;
      readonly term: number;
    }
  /** Surely not in any log. */
  | { readonly kind: 'notLeader'; readonly leader: ReplicaId }
  | { readonly kind: 'full' }
  | { readonly kind: 'transferring' };

/** Why a configuration change was not taken; it is surely not in any log. */
export type ConfChangeRefusal =
  /** An earlier change is not applied yet, or the leader has committed nothing in its own term. */
  | 'pending'
  /** The group is in a joint configuration: only leaving it is possible. */
  | 'joint'
  /** There is no joint configuration to leave. */
  | 'notJoint'
  /** The change leads to no valid configuration (for example one without voters). */
  | 'invalid';

export type ConfChangeResult =
  ProposeResult | { readonly kind: 'refused'; readonly reason: ConfChangeRefusal };

export interface ProgressStatus {
  readonly replica: ReplicaId;
  readonly isLearner: boolean;
  /** 0 <= match < next. */
  readonly match: number;
  readonly next: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly recentActive: boolean;
}

export interface RaftStatus {
  readonly id: ReplicaId;
  readonly role: Role;
  readonly leader: ReplicaId;
  readonly term: number;
  readonly vote: ReplicaId;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly confState: ConfState;
  readonly transferee: ReplicaId;
  /** On the leader only, by replica, ascending. */
  readonly progress: readonly ProgressStatus[];
}

/**
 * One replica of one group: a pure state machine. Every method is synchronous and takes no time, no randomness but the
 * given source, and no I/O. After any call the caller takes `ready()` when `hasReady()`.
 */
export interface Raft {
  tick(): void;
  step(message: Message): void;
  /** Counts its own vote even if it has just heard a leader: not to be called for a group with leases that has one. */
  campaign(): void;
  propose(data: readonly Buffer[]): ProposeResult;
  proposeConfChange(change: ConfChange): ConfChangeResult;
  /**
   * The caller applies a committed `confChange` entry through this, in log order; answers the new configuration, which the
   * caller stores with the next `Persist`.
   */
  applyConfChange(change: ConfChange): ConfState;
  /** Confirmation arrives in `readStates` or `readFailures` of a later `Ready`. `context` is unique per replica. */
  readIndex(context: number): void;
  /** Asks that leadership moves to `transferee`; a follower forwards. Given up after one election timeout. */
  transferLeader(transferee: ReplicaId): void;
  reportUnreachable(replica: ReplicaId): void;
  reportSnapshot(replica: ReplicaId, ok: boolean): void;
  /**
   * Entries that `LogStorage.entries` called unavailable for `replica` are in memory now: sending to it, or applying
   * when it is the own id, goes on.
   */
  entriesLoaded(replica: ReplicaId): void;
  /** The promises that leases rest on are forgotten too: not to be called in a group that uses them. */
  forgetLeader(): void;
  hasReady(): boolean;
  ready(): Ready;
  /** The batch of `Persist.token` is durable. Tokens come in order. */
  onAppended(token: number): void;
  /** Everything up to `index` is applied. */
  onApplied(index: number): void;
  status(): RaftStatus;
}
