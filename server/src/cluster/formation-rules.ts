import type { NodeDescription } from './formation-messages.ts';
import type { FormationRecord } from './record.ts';
import type { Standing } from './standing.ts';
import type { ClusterOptions, Member, PeerAddress } from './types.ts';

/** This node as it would stand in a record or map. */
export function memberOf(options: ClusterOptions, storeUuid: string): Member {
  return {
    nodeId: options.nodeId,
    storeUuid,
    raftAddress: options.addresses.raft,
    grpcAddress: options.addresses.grpc,
    restAddress: options.addresses.rest,
    zone: options.zone,
  };
}

/** With `cluster_id` set, the cluster exists already: a blank disk may only finish what its record proves. */
export function mayBeFounded(standing: Standing, options: ClusterOptions): boolean {
  return standing.kind === 'blank' && options.clusterId === undefined;
}

export function standingForOthers({ kind }: Standing): NodeDescription['standing'] {
  return kind === 'member' || kind === 'wiped' ? kind : 'stopped';
}

/** Only then `initial_peers` are founders; else they are seeds. */
export function listsFounders(options: ClusterOptions): boolean {
  return !options.joinCluster && options.initialPeers.some(({ nodeId }) => nodeId === options.nodeId);
}

/** Everybody that the file names. */
export function peersToAsk(options: ClusterOptions): PeerAddress[] {
  const named = listsFounders(options)
    ? options.initialPeers
    : [...options.seedNodes, ...options.initialPeers];
  const byId = new Map(named.map((peer) => [peer.nodeId, peer]));
  byId.delete(options.nodeId);
  return [...byId.values()];
}

/** A founder takes only the record of the cluster that its own file means. */
export function objectionTo(record: FormationRecord, options: ClusterOptions): string | undefined {
  const founders = record.founders.map(({ nodeId }) => nodeId);
  // The record names this very disk, so this was no blank start: with the right cluster_id it may finish.
  if (options.clusterId !== undefined && options.clusterId !== record.clusterId) {
    return `cluster_id is ${options.clusterId} here, the record is of ${record.clusterId}`;
  }
  if (listsFounders(options)) {
    const listed = options.initialPeers.map(({ nodeId }) => nodeId).sort();
    if (listed.join() === founders.join()) return undefined;
    return `initial_peers is ${listed.join(', ')} here, the record names ${founders.join(', ')}`;
  }
  const seeds = [...options.seedNodes, ...options.initialPeers];
  if (seeds.some(({ nodeId }) => founders.includes(nodeId))) return undefined;
  return `the record names ${founders.join(', ')}, none of which is in seed_nodes here`;
}
