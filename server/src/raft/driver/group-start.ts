import { invariant } from '../../base/index.ts';
import {
  changeConf,
  type ConfState,
  decodeConfChange,
  type LeaseClock,
  type RaftOptions,
} from '../core/index.ts';
import type { GroupLog } from '../log/group-log.ts';
import type { LoadedGroup } from '../log/load-group.ts';
import type { GroupStart } from '../types.ts';
import { GROUP_PROPOSAL_BYTES_MAX } from './proposals.ts';
import type { TickPlan } from './timing.ts';

/** Flow control of one group towards one follower. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
const INFLIGHT_MESSAGES_MAX = 256;
const INFLIGHT_BYTES_MAX = 4 * 2 ** 20;
/** Committed bytes of one group that the state machine has not applied yet. */
const COMMITTED_BYTES_MAX = 8 * 2 ** 20;

/** How the core of a replica is set up. */
export function coreOptions(
  start: GroupStart,
  o: {
    readonly plan: TickPlan;
    readonly maxAppendEntries: number;
    readonly leaseClock: LeaseClock | undefined;
  },
): RaftOptions {
  return {
    id: start.replicaId,
    electionTicks: o.plan.electionTicks,
    heartbeatTicks: o.plan.heartbeatTicks,
    applied: start.applied,
    preVote: true,
    checkQuorum: true,
    messageBytesMax: MESSAGE_BYTES_MAX,
    messageEntriesMax: o.maxAppendEntries,
    inflightMessagesMax: INFLIGHT_MESSAGES_MAX,
    inflightBytesMax: INFLIGHT_BYTES_MAX,
    uncommittedBytesMax: GROUP_PROPOSAL_BYTES_MAX,
    committedBytesMax: COMMITTED_BYTES_MAX,
    leaseClock: o.leaseClock,
  };
}

/** The configuration that a group without a log begins with. */
export function bootstrapConf({ bootstrapVoters, bootstrapLearners = [] }: GroupStart): ConfState {
  return {
    voters: [...bootstrapVoters].sort((a, b) => a - b),
    votersOutgoing: [],
    learners: [...bootstrapLearners].sort((a, b) => a - b),
    learnersNext: [],
    autoLeave: false,
  };
}

/**
 * Brings the configuration to where the state machine is: what it had applied may have become durable before the
 * configuration that came of it.
 */
export function recoverConfiguration(log: GroupLog, applied: number): void {
  for (const { index, data } of log.takeChanges(applied)) {
    const outcome = changeConf(log.confState, decodeConfChange(data));
    invariant(outcome.kind === 'changed', 'an applied change fits the configuration before it', { index });
    log.setConfiguration({ index, confState: outcome.conf });
  }
}

/**
 * Why the replica must not take part. Only what is durable in the log is applied, so the log never ends before it; and
 * only what is durably applied is forgotten, so the log never begins behind it.
 */
export function damageOf(
  stored: LoadedGroup | undefined,
  { replicaId, applied }: Pick<GroupStart, 'replicaId' | 'applied'>,
): string | undefined {
  if (stored?.kind === 'damaged') return stored.reason;
  const owner = stored?.log.replicaId;
  if (owner !== undefined && owner !== replicaId)
    return `the log is that of replica ${owner}, this is replica ${replicaId}`;
  const last = stored === undefined ? 0 : stored.log.lastIndex();
  if (applied > last) return `${applied} entries are applied, but the log ends at ${last}`;
  const base = stored === undefined ? 0 : stored.log.firstIndex() - 1;
  return applied < base ? `${applied} entries are applied, but the log begins behind ${base}` : undefined;
}
