import type { ConfChangeStep, Entry, Message, RaftStatus, ReadConfirmation } from './core/index.ts';

/** The group of the cluster's metadata; shards are groups 0 to shardCount-1. */
export const META_GROUP = 0xffff;

/** Committed entries of one group: contiguous, with no-ops (no data) and configuration changes, so that indexes move. */
export interface CommittedBatch {
  readonly group: number;
  readonly entries: readonly Entry[];
}

/** The replicated state machine of all groups. */
export interface Applier {
  /**
   * One call at a time for all groups; `results[i][j]` belongs to `batches[i].entries[j]`. Resolves when everything is
   * applied and visible to reads. A rejection ends the process.
   */
  apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]>;

  /** Index up to which what was applied survives a crash; the log forgets nothing above it. */
  durableApplied(group: number): number;

  /** Resolves when everything that is applied at the call is durable. A rejection ends the process. */
  flush(group: number): Promise<void>;

  /** The state of a group as of its last applied entry; called between two `apply` calls. */
  openSnapshot(group: number): Promise<SnapshotSource>;

  /** Begins a new generation of the group's state, beside the one that is in use. */
  beginInstall(group: number, at: { readonly index: number; readonly term: number }): Promise<SnapshotSink>;

  /**
   * A finished generation is the state from now on: the log says so, durably. Called between two `apply` calls; resolves
   * when reads see it. A rejection ends the process.
   */
  switchTo(group: number, generation: number): Promise<void>;
}

/** Bytes of one chunk of a snapshot. */
export const SNAPSHOT_CHUNK_BYTES_MAX = 1024 * 1024;

/** A state that does not change while it is read. */
export interface SnapshotSource {
  /** The last entry in it. */
  readonly index: number;
  readonly term: number;
  /** At most `SNAPSHOT_CHUNK_BYTES_MAX` each; asked for once. */
  chunks(): AsyncIterable<Buffer>;
  /** May be called at any time, also again. */
  close(): void;
}

/** A generation that is being filled, one call at a time. */
export interface SnapshotSink {
  /** Above every generation that the group ever had on this node. */
  readonly generation: number;
  /** Rejects when the chunk is not one of a snapshot. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when all of it is durable; rejects when something is missing. */
  finish(): Promise<void>;
  /** Removes it; also after `finish`, but not after `switchTo`. */
  abort(): Promise<void>;
}

export interface GroupStart {
  readonly group: number;
  readonly replicaId: number;
  /** Node of each replica of the group. */
  readonly nodes: ReadonlyMap<number, string>;
  /**
   * Initial configuration of a group without a log; ignored when there is one. Empty for a replica that is added to a
   * group: a snapshot of its leader brings the configuration.
   */
  readonly bootstrapVoters: readonly number[];
  /** Members of it that only receive. None by default. */
  readonly bootstrapLearners?: readonly number[];
  /** Index up to which the state machine has applied durably. */
  readonly applied: number;
  /** Campaigns without waiting for an election timeout, and again while the group has never had a leader. */
  readonly campaignAtOnce: boolean;
}

/** A step from one configuration of a group to the next; joint in between when more than one voter changes. */
export interface MembershipChange {
  /** Of the configuration that the change was planned for (`GroupStatus.configurationIndex`): another one refuses it. */
  readonly configurationIndex: number;
  readonly steps: readonly ConfChangeStep[];
}

export interface GroupStatus {
  readonly group: number;
  readonly leaderNode: string | undefined;
  readonly isLeader: boolean;
  readonly raft: RaftStatus;
  /** Index of the entry that made the configuration in force here. */
  readonly configurationIndex: number;
  /** The same of the configuration that a restart here goes by at least, also after a power loss. */
  readonly durableConfigurationIndex: number;
  /** The configuration in force here counts this replica's vote: it has had, or was given, the state of the group. */
  readonly isVoter: boolean;
  /** `Clock.nowMs` of the last message from a leader; now, while leading. */
  readonly lastHeardLeaderMs: number;
  /** Why the stored log cannot be trusted: the replica is not started, it neither votes nor acknowledges. */
  readonly damage: string | undefined;
}

export interface Proposal {
  /**
   * Resolves when the entry is committed and applied here. Rejects with `NotLeaderError` (surely not proposed) or a
   * `GrapeError`: TOO_MANY_REQUESTS (not proposed), SHARD_UNAVAILABLE (surely never applied), WRITE_TIMEOUT (unknown).
   */
  readonly promise: Promise<{ readonly index: number; readonly result: unknown }>;
  /** True from the moment the command may be in a log. */
  readonly proposed: boolean;
  /** Takes the command back while it was not proposed: rejects with SHARD_UNAVAILABLE; false when it may be in a log. */
  cancel(): boolean;
}

/** A message of the core with the group it belongs to. */
export interface GroupMessage {
  readonly group: number;
  readonly message: Message;
}

/** What the driver needs of the network; messages may be lost, repeated and reordered. */
export interface RaftLink {
  /** Sends messages to one node in one write; false when they were dropped. */
  sendRaft(nodeId: string, messages: readonly GroupMessage[]): boolean;
  /** The one listener for what arrives; called outside of any other call into the driver. */
  onRaft(listener: (fromNode: string, messages: readonly GroupMessage[]) => void): void;
  /**
   * A request over the connection for bulk data, so that nothing else waits behind it. Rejects with
   * `PeerUnavailableError`, or with what the handler failed with.
   */
  requestBulk(nodeId: string, kind: number, body: Buffer, timeoutMs: number): Promise<Buffer>;
  /** One handler a kind. */
  handle(kind: number, handler: (from: { readonly nodeId: string }, body: Buffer) => Promise<Buffer>): void;
}

/** Remembers, apart from the log, what the log must not fall behind. */
export interface RaftFloor {
  /** Resolves when they are on disk. A rejection ends the process. */
  votes(
    changed: readonly {
      readonly group: number;
      readonly replicaId: number;
      readonly term: number;
      readonly vote: number;
    }[],
  ): Promise<void>;
  /** A write batch is synced. */
  synced(sequence: number): void;
}

/** What the driver measures; times in seconds. */
export interface RaftMetrics {
  /** One write batch; `synced` ones include an fsync. */
  persisted(batch: {
    readonly seconds: number;
    readonly bytes: number;
    readonly entries: number;
    readonly synced: boolean;
  }): void;
  /** From accepting a proposal to its result. */
  committed(group: number, seconds: number): void;
  proposed(group: number, count: number): void;
  electionStarted(group: number): void;
  /** Reads of this node that were found to be current. */
  readsConfirmed(group: number, reads: { readonly count: number; readonly by: ReadConfirmation }): void;
  /** A snapshot was sent and installed there, or received and installed here. */
  snapshotDone(
    group: number,
    snapshot: { readonly direction: 'sent' | 'received'; readonly bytes: number; readonly seconds: number },
  ): void;
  snapshotFailed(group: number, direction: 'sent' | 'received'): void;
  /** Entries of the log were forgotten. */
  compacted(group: number, entries: number): void;
  /** The replica was not started because its log is damaged. */
  damaged(group: number): void;
}
