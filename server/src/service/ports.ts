import type { Abandonment } from '../base/index.ts';
import type { ClusterMap, IndexChange } from '../cluster/index.ts';
import type { CollectionSchema } from '../model/index.ts';
import type {
  CountQuery,
  IndexReport,
  ScoredPoint,
  ScrollPage,
  ScrollQuery,
  SearchQuery,
  StoredPoint,
} from '../shard/index.ts';

/**
 * What the service needs of the rest of the node. The composition root hands in the Raft host, the peer transport, the
 * shard host and the cluster node; tests hand in small in-memory ones.
 */

/** A command on its way through the log of one group. */
export interface Proposal {
  /**
   * Resolves when the entry is committed and applied here. Rejects with `NotLeaderError` (surely not proposed) or a
   * `GrapeError`: TOO_MANY_REQUESTS (not proposed), SHARD_UNAVAILABLE (surely never applied), WRITE_TIMEOUT (unknown).
   */
  readonly promise: Promise<{ readonly index: number; readonly result: unknown }>;
  /** True from the moment the command may be in a log. */
  readonly proposed: boolean;
  /** Takes the command back while it was not proposed; false when it may be in a log. */
  cancel(): boolean;
}

export interface GroupView {
  /** Node that leads the group as far as this replica knows. */
  readonly leaderNode: string | undefined;
  readonly isLeader: boolean;
  /** False while the replica is being brought up, or its log is damaged. */
  readonly isVoter: boolean;
  /** `Clock.nowMs` of the last message from a leader; now, while leading. */
  readonly lastHeardLeaderMs: number;
  readonly raft: { readonly commit: number };
}

/** The Raft groups that have a replica on this node. */
export interface Groups {
  groups(): readonly number[];
  /** Only for a group of `groups()`. */
  status(group: number): GroupView;
  propose(group: number, command: Buffer): Proposal;
  /** Resolves when the local replica has applied everything that was committed when it was called. */
  readBarrier(group: number, abandonment?: Abandonment): Promise<number>;
  /** Called after every change of a local group's leader. */
  onLeaderChange(listener: (group: number, leaderNode: string | undefined, isLeader: boolean) => void): void;
}

/** Requests to other nodes. A rejection with a boolean `sent` tells whether the request may have arrived. */
export interface Peers {
  isConnected(nodeId: string): boolean;
  request(nodeId: string, kind: number, body: Buffer, timeoutMs: number): Promise<Buffer>;
  handle(kind: number, handler: (from: { readonly nodeId: string }, body: Buffer) => Promise<Buffer>): void;
}

/**
 * `ok`: it has its place; `handOver`: another node shall lead the shard; `none`: most replicas have no room for it;
 * `noMemory`: this node has none.
 */
export type RoomVerdict = 'ok' | 'handOver' | 'none' | 'noMemory';

/** Membership, placement and schemas as this node knows them. */
export interface Directory {
  readonly nodeId: string;
  /** Undefined until the node belongs to a formed cluster. */
  map(): ClusterMap | undefined;
  /** The default collection; undefined until its dimension is known and it is open on this node. */
  collection(): CollectionSchema | undefined;
  /** Whether `map` surely shows everything that was decided: only then may it be believed that something is not there. */
  isMapCurrent(): boolean;
  /** Whether disks and memory have room for an entry of a shard that is led here; `make`: it frees room. */
  roomFor(shard: number, demand: 'take' | 'make'): RoomVerdict;
  /** Makes or drops a payload index; answers the collection after it. Throws INDEX_CONFLICT, SHARD_UNAVAILABLE. */
  changeIndex(change: IndexChange, deadlineMs: number): Promise<CollectionSchema>;
  /** Latches the dimension with the first write of a single node; answers the schema that won. */
  ensureCollection(dimension: number): Promise<CollectionSchema>;
}

/** The replicas of shards on this node. */
export interface LocalShards {
  /** Index up to which the local replica has applied its log. */
  applied(shard: number): number;
  /** The shard's log time as of then, in wall-clock milliseconds; 0: none so far. */
  logTimeMs(shard: number): number;
  /** Best first, at most `k`; ties by id order. Payloads and vectors only when asked for. */
  search(query: SearchQuery): Promise<readonly ScoredPoint[]>;
  /** One answer per id, in order; undefined where nothing is stored now. */
  fetch(query: LocalFetch): Promise<readonly (StoredPoint | undefined)[]>;
  /** At most `limit` points with ids above `after`, in id order over all `shards`; fewer when few pass the filter. */
  scroll(query: ScrollQuery): Promise<ScrollPage>;
  /** Rejects with SHARD_UNAVAILABLE at the deadline. */
  count(query: CountQuery): Promise<number>;
  indexReports(collection: number, shards: readonly number[]): Promise<readonly IndexReport[]>;
}

export interface LocalFetch {
  readonly collection: number;
  readonly points: readonly { readonly shard: number; readonly idKey: Buffer }[];
}
