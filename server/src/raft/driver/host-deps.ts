import type { Clock, Random } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { KvStore } from '../../storage/index.ts';
import type { Applier, RaftFloor, RaftLink, RaftMetrics } from '../types.ts';
import type { DiskRoom } from './append-gate.ts';

/** What a `RaftHost` works with. */
export interface RaftHostDeps {
  /** The `raft/` store; owned by the caller, used by nobody else. */
  readonly kv: KvStore;
  readonly transport: RaftLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: RaftMetrics;
  /** None in tests that need none. */
  readonly floor?: RaftFloor;
  readonly applier: Applier;
  /** Without it there is always room. Votes and terms are written also to a full disk. */
  readonly disk?: DiskRoom;
  readonly options: {
    readonly electionTimeoutMs: number;
    readonly heartbeatIntervalMs: number;
    readonly maxAppendEntries: number;
    /** Memory for the newest entries of all groups; `TAIL_BYTES_MAX` by default. */
    readonly tailBytesMax?: number;
    /** Applied entries that a group keeps in its log; without it a log keeps everything. */
    readonly logCompactionThreshold?: () => number;
    /** Leaders answer reads from a lease where they hold one; false by default. */
    readonly leaseReads?: boolean;
    /** Rate of all snapshots that this node sends; `SNAPSHOT_BYTES_PER_SECOND` by default. */
    readonly snapshotBytesPerSecond?: () => number;
  };
  /**
   * Called once when the host cannot go on: a failed write, a broken invariant, a failed apply. The process must end.
   * By default the error is thrown where nothing catches it.
   */
  readonly onFatal?: (error: Error) => void;
}
