import type { IndexedCollection, PayloadIndex } from '../model/index.ts';

/**
 * What the cluster needs of the rest of the node. The composition root hands in the Raft host, the peer transport and
 * the shard host; tests hand in small in-memory ones.
 */

/** How a node introduces itself to a peer. */
export interface Hello {
  readonly protocol: number;
  /** Undefined until the node belongs to a cluster. */
  readonly clusterId: string | undefined;
  readonly nodeId: string;
  readonly storeUuid: string;
  readonly incarnation: number;
  readonly bootNonce: string;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The connections to the other nodes. */
export interface Peers {
  /** Replaces the set of members to be connected to, by node id. */
  setPeers(peers: ReadonlyMap<string, HostPort>): void;
  /** True while a connection between members stands: the other side has accepted this node as one. */
  isConnected(nodeId: string): boolean;
  request(nodeId: string, kind: number, body: Buffer, timeoutMs: number): Promise<Buffer>;
  /** To whoever listens there, before membership is known; answers who it was. */
  requestAddress(
    address: HostPort,
    kind: number,
    body: Buffer,
    timeoutMs: number,
  ): Promise<{ readonly peer: Hello; readonly body: Buffer }>;
  handle(kind: number, handler: (from: Hello, body: Buffer) => Promise<Buffer>): void;
}

/** A replica's progress as its leader sees it. */
export interface ReplicaProgress {
  readonly replica: number;
  readonly isLearner: boolean;
  readonly match: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly recentActive: boolean;
}

export interface GroupState {
  readonly leaderNode: string | undefined;
  readonly isLeader: boolean;
  /** Why the stored log cannot be trusted: the replica was not started. */
  readonly damage: string | undefined;
  /** Index of the entry that made the configuration in force. */
  readonly configurationIndex: number;
  /** The same of the one that is in force here after a power loss. */
  readonly durableConfigurationIndex: number;
  readonly raft: {
    readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader';
    readonly id: number;
    readonly term: number;
    readonly commit: number;
    readonly applied: number;
    readonly lastIndex: number;
    /** 0: no transfer is under way. */
    readonly transferee: number;
    readonly confState: {
      readonly voters: readonly number[];
      readonly votersOutgoing: readonly number[];
      readonly learners: readonly number[];
    };
    /** On the leader only. */
    readonly progress: readonly ReplicaProgress[];
  };
}

export interface GroupStart {
  readonly group: number;
  readonly replicaId: number;
  /** Node of each replica of the group. */
  readonly nodes: ReadonlyMap<number, string>;
  readonly bootstrapVoters: readonly number[];
  readonly bootstrapLearners?: readonly number[];
  readonly applied: number;
  readonly campaignAtOnce: boolean;
}

/** A step from the configuration with that index to the next one. */
export interface MembershipChange {
  readonly configurationIndex: number;
  readonly steps: readonly {
    readonly type: 'addVoter' | 'addLearner' | 'remove';
    readonly replica: number;
  }[];
}

/** The Raft groups of this node. */
export interface Groups {
  /** Synced writes take so long that this node should lead nothing. */
  readonly isDiskSlow: boolean;
  startGroup(start: GroupStart): void;
  /** Whose log is stored for a group; undefined when none is, or nobody can tell. */
  replicaId(group: number): number | undefined;
  setNodes(group: number, nodes: ReadonlyMap<number, string>): void;
  /** Throws when the group is not led here, or its configuration is another one or cannot be changed now. */
  changeMembership(group: number, change: MembershipChange): void;
  /** Resolves when nothing of the group is written or applied any more. */
  stopGroup(group: number): Promise<void>;
  /** Empties the log of a group that is not started; it is that of another replica from now on. */
  resetGroup(group: number, o: { readonly replicaId: number; readonly generation: number }): Promise<void>;
  /** Which state of the group is in use on this node. */
  generation(group: number): number;
  propose(
    group: number,
    command: Buffer,
  ): { readonly promise: Promise<{ readonly index: number; readonly result: unknown }> };
  transferLeader(group: number, toNode: string): void;
  /** Only for a group of `groups()`. */
  status(group: number): GroupState;
  groups(): readonly number[];
  onLeaderChange(listener: (group: number, leaderNode: string | undefined, isLeader: boolean) => void): void;
}

export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: 'normal' | 'confChange';
  readonly data: Buffer;
}

export interface CommittedBatch {
  readonly group: number;
  readonly entries: readonly CommittedEntry[];
}

/** A state as of one entry, in chunks of at most 1 MiB. */
export interface SnapshotSource {
  readonly index: number;
  readonly term: number;
  chunks(): AsyncIterable<Buffer>;
  close(): void;
}

/** A state that is being filled beside the one in use. */
export interface SnapshotSink {
  readonly generation: number;
  write(chunk: Buffer): Promise<void>;
  /** Resolves when all of it is durable. */
  finish(): Promise<void>;
  abort(): Promise<void>;
}

/** The shards' state on this node. */
export interface LocalShards {
  /** `generation`: which one of its states is in use, as its log says. */
  openShard(shard: number, generation: number): void;
  openSnapshot(shard: number): Promise<SnapshotSource>;
  beginInstall(shard: number, at: { readonly index: number; readonly term: number }): Promise<SnapshotSink>;
  switchTo(shard: number, generation: number): Promise<void>;
  /** Forgets the state of an open shard: it is that of the generation that is answered, and empty. */
  reset(shard: number): Promise<number>;
  applied(shard: number): number;
  /** Index up to which effects survive a crash. */
  durableApplied(shard: number): number;
  /** Resolves when everything applied so far is durable. */
  flush(): Promise<void>;
  /** Points of the shard over all collections. */
  vectors(shard: number): number;
  setCollection(schema: IndexedCollection): Promise<void>;
  /** The collection has these payload indexes from now on, and no others; they are filled in the background. */
  setPayloadIndexes(collection: number, indexes: readonly PayloadIndex[]): Promise<void>;
  apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]>;
}
