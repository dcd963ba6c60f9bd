import { GrapeError, NotLeaderError, unreachable } from '../../base/index.ts';
import type { ConfChangeRefusal } from '../core/index.ts';
import type { MembershipChange } from '../types.ts';
import type { Replica } from './replica.ts';

const NO_CONTEXT = Buffer.alloc(0);

const REFUSALS: Readonly<Record<ConfChangeRefusal, string>> = {
  pending: 'an earlier change of it is under way',
  joint: 'it is joint',
  notJoint: 'it is not joint',
  invalid: 'the change leaves no valid one',
};

/**
 * Puts a change of the configuration into the log of a group that is led here; it is in force when the status shows it.
 * Throws `NotLeaderError`, or SHARD_UNAVAILABLE when the configuration is another one than the change was planned for,
 * or cannot be changed now; then the change is in no log.
 */
export function proposeMembership(replica: Replica, change: MembershipChange): void {
  const { log, core } = replica;
  if (!replica.isLeader) throw new NotLeaderError(replica.leaderNode);
  if (change.configurationIndex !== log.configurationIndex) {
    const planned = `the change was planned for configuration ${change.configurationIndex}`;
    throw refused(replica, `${planned}, in force is ${log.configurationIndex}`);
  }
  for (const { type, replica: added } of change.steps) {
    if (type !== 'remove' && !replica.nodes.has(added))
      throw refused(replica, `the node of replica ${added} is not known here yet`);
  }
  const result = core.proposeConfChange({ transition: 'auto', steps: change.steps, context: NO_CONTEXT });
  switch (result.kind) {
    case 'accepted':
      return;
    case 'notLeader':
      throw new NotLeaderError(replica.nodes.get(result.leader));
    case 'refused':
      throw refused(replica, REFUSALS[result.reason]);
    case 'full':
    case 'transferring':
      throw refused(replica, 'the group takes no proposals now');
    default:
      return unreachable(result);
  }
}

function refused({ group }: Replica, reason: string): GrapeError {
  return new GrapeError('SHARD_UNAVAILABLE', `the configuration of group ${group} is not changed: ${reason}`);
}
