import type { Hello } from './ports.ts';
import type { Standing } from './standing.ts';
import type { Member } from './types.ts';

interface AuthorizeRequest {
  readonly peer: Hello;
  readonly selfId: string;
  readonly standing: Standing;
  /** Of the map, or of the record while there is no map. */
  readonly members: readonly Member[];
}

/**
 * Why a node that proved the cluster token may not talk to this one as a member; undefined when it may. Only the store
 * that the cluster knows counts as the member: another disk under the same name has neither its votes nor its log.
 */
export function refusalOf({ peer, selfId, standing, members }: AuthorizeRequest): string | undefined {
  if (standing.kind === 'amnesiac') return standing.reason;
  if (standing.kind !== 'member') return `${selfId} is not a member of a cluster: ${standing.reason}`;
  const { clusterId } = standing.record;
  if (peer.clusterId !== clusterId) {
    return `${peer.nodeId} belongs to ${peer.clusterId ?? 'no cluster'}, ${selfId} to ${clusterId}`;
  }
  if (peer.nodeId === selfId) return `two processes call themselves ${selfId}`;
  const member = members.find(({ nodeId }) => nodeId === peer.nodeId);
  if (member === undefined) return `${peer.nodeId} is not a member of ${clusterId}`;
  if (member.storeUuid !== peer.storeUuid) {
    return `${peer.nodeId} comes with store ${peer.storeUuid}, the member has ${member.storeUuid}: its disk was wiped or replaced`;
  }
  return undefined;
}
