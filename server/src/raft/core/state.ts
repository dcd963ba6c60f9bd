import { invariant, type Random } from '../../base/index.ts';
import { checkConf } from './confchange/change-conf.ts';
import { ApplyQueue } from './log/apply-queue.ts';
import { RaftLog } from './log/raft-log.ts';
import { Mailbox } from './mailbox.ts';
import { ForwardedReads } from './reads/forwarded-reads.ts';
import { ReadRounds } from './reads/read-rounds.ts';
import { Tracker } from './tracker/tracker.ts';
import {
  type HardState,
  type LogStorage,
  type Message,
  type MessageType,
  NO_REPLICA,
  type RaftOptions,
  type ReadState,
  type ReplicaId,
  type Role,
} from './types.ts';

/** Most reads that wait for confirmation in one group; a further one fails at once. */
const PENDING_READS_MAX = 65_536;

/** Everything one replica knows. The files beside this one hold the rules that change it. */
export class RaftState {
  readonly options: RaftOptions;
  readonly id: ReplicaId;
  readonly random: Random;
  readonly log: RaftLog;
  readonly applyQueue: ApplyQueue;
  readonly tracker: Tracker;

  term: number;
  vote: ReplicaId;
  role: Role = 'follower';
  leader: ReplicaId = NO_REPLICA;
  /** Highest term known to be durable here. */
  durableTerm: number;
  /** As last handed out to be written. */
  writtenHardState: HardState;
  /** The caller has not been asked to write the configuration that came into force. */
  isConfUnwritten = false;

  /** Ticks since the leader was heard, or since a leader last checked its quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /**
   * Ticks since a leader was heard, which this voter elects nobody else for. Starts at 0: what was promised before a
   * restart is not known any more, unless there has never been a term to promise anything in.
   */
  promiseElapsed = 0;
  /** Drawn anew for every election: in [electionTicks, 2 * electionTicks - 1]. */
  electionTimeout = 0;

  /** Leader: who shall lead next; proposals are refused meanwhile. */
  transferee: ReplicaId = NO_REPLICA;
  transferElapsed = 0;
  /** Leader: somebody was told to campaign, and may do so whenever that arrives. */
  hasCalledForCampaign = false;
  /** Leader: no further configuration change until this index is applied. */
  pendingConfIndex = 0;
  /** Leader: payload of entries of this leadership that were not handed out to be applied yet. */
  uncommittedBytes = 0;
  /** Leader: followers may lack entries or commits; looked at when messages leave. */
  appendsDue = false;

  /** A snapshot that waits until everything handed out is applied. */
  deferredSnapshot: Message | undefined;

  readonly readRounds = new ReadRounds(PENDING_READS_MAX);
  readonly forwardedReads: ForwardedReads;
  readonly readStates = new Mailbox<ReadState>();
  readonly readFailures = new Mailbox<number>();

  /** May leave at once. */
  readonly outbox = new Mailbox<Message>();
  /** May leave when everything up to now is durable. */
  readonly gated = new Mailbox<Message>();
  /** The same, but addressed to this replica. */
  readonly gatedToSelf = new Mailbox<Message>();

  constructor(options: RaftOptions, storage: LogStorage, random: Random) {
    checkOptions(options);
    const { hardState, confState } = storage.initialState();
    checkConf(confState);
    // An applied entry was committed, even if the last commit index did not reach the disk.
    const committed = Math.max(hardState.commit, options.applied, storage.firstIndex() - 1);
    invariant(options.applied >= storage.firstIndex() - 1, 'what was compacted was applied', {
      applied: options.applied,
      firstIndex: storage.firstIndex(),
    });
    this.options = options;
    this.id = options.id;
    this.random = random;
    this.log = new RaftLog(storage, committed);
    this.applyQueue = new ApplyQueue(this.log, {
      replica: options.id,
      applied: options.applied,
      bytesMax: options.committedBytesMax,
    });
    this.tracker = new Tracker(confState, this.log.lastIndex + 1, {
      messagesMax: options.inflightMessagesMax,
      bytesMax: options.inflightBytesMax,
    });
    this.forwardedReads = new ForwardedReads({
      pendingMax: PENDING_READS_MAX,
      timeoutTicks: options.electionTicks,
      wireOrigin: 1 + random.int(2 ** 31) * 2 ** 21,
    });
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.durableTerm = hardState.term;
    if (hardState.term === 0) this.promiseElapsed = options.electionTicks;
    this.writtenHardState = hardState;
    invariant(this.log.lastTerm <= this.term, 'no entry is of a later term', { lastTerm: this.log.lastTerm });
  }

  /** May become leader: a voter whose log is complete. */
  get isPromotable(): boolean {
    return this.tracker.isVoter(this.id) && this.log.unstable.snapshot === undefined;
  }

  /** The leader's commit index covers everything earlier leaders committed (thesis 3.6.2, 6.4). */
  get hasCommittedInTerm(): boolean {
    return this.log.term(this.log.committed) === this.term;
  }
}

/**
 * Queues a message for the moment from which its promise is kept: answers and requests for votes promise what is on
 * this disk, and nothing reveals a term that a crash could take back (thesis 3.8).
 */
export function send(state: RaftState, message: Message): void {
  if (message.to === state.id) state.gatedToSelf.push(message);
  else if (PROMISES_DURABILITY[message.type] || state.term !== state.durableTerm) state.gated.push(message);
  else state.outbox.push(message);
}

const PROMISES_DURABILITY: Readonly<Record<MessageType, boolean>> = {
  preVote: true,
  vote: true,
  preVoteResponse: true,
  voteResponse: true,
  append: false,
  appendResponse: true,
  heartbeat: false,
  heartbeatResponse: false,
  snapshot: false,
  timeoutNow: false,
  transferLeader: false,
  readIndex: false,
  readIndexResponse: false,
};

function checkOptions(options: RaftOptions): void {
  const { id, electionTicks, heartbeatTicks } = options;
  invariant(Number.isSafeInteger(id) && id > NO_REPLICA, 'a replica has an id', { id });
  invariant(options.leaseClock === undefined || options.checkQuorum, 'leases rest on voters that check', {
    id,
  });
  invariant(heartbeatTicks >= 1, 'heartbeats take ticks', { heartbeatTicks });
  invariant(electionTicks > heartbeatTicks, 'an election timeout spans heartbeats', {
    electionTicks,
    heartbeatTicks,
  });
  invariant(options.messageBytesMax >= 1, 'a message has room', { messageBytesMax: options.messageBytesMax });
  invariant(options.messageEntriesMax >= 1, 'a message takes an entry', {
    messageEntriesMax: options.messageEntriesMax,
  });
  invariant(options.committedBytesMax >= 1, 'a batch has room', {
    committedBytesMax: options.committedBytesMax,
  });
  invariant(options.uncommittedBytesMax >= 1, 'proposals have room', {
    uncommittedBytesMax: options.uncommittedBytesMax,
  });
}
