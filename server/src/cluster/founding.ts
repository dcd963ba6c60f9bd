import { isAddress } from './addresses.ts';
import type { NodeDescription } from './formation-messages.ts';
import type { FormationRecord } from './record.ts';
import { differencesAmongFounders, settingsOfFounders } from './settings.ts';
import { byNodeId, type ClusterSettings } from './types.ts';

/** What a listing founder knows after asking all the others; `undefined` where nobody answered. */
export interface FounderPoll {
  readonly self: NodeDescription;
  readonly settings: ClusterSettings;
  /** By the node id of the list. */
  readonly others: ReadonlyMap<string, NodeDescription | undefined>;
}

export type FoundingDecision =
  /** Ask again later; nothing is wrong. */
  | { readonly kind: 'wait'; readonly reason: string }
  /** Something has to be put right first. */
  | { readonly kind: 'blocked'; readonly reason: string }
  /** The files contradict each other: the node must not go on with its own. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'found'; readonly record: Omit<FormationRecord, 'clusterId'> };

/**
 * Decides whether this founder makes the cluster now. Only the founder with the smallest node id among those whose
 * files list the founders does, and only when every founder has answered, is blank, and lists the same founders or
 * waits for one of them.
 */
export function decideFounding(poll: FounderPoll): FoundingDecision {
  const { self, others } = poll;
  const problems = [...others].flatMap(([nodeId, other]) => problemsOf(poll, nodeId, other));
  if (problems.length > 0) return { kind: 'blocked', reason: problems.join('; ') };
  const missing = [...others].filter(([, other]) => other === undefined).map(([nodeId]) => nodeId);
  if (missing.length > 0) return { kind: 'wait', reason: `waiting for ${missing.join(', ')} to answer` };
  const founders = [self, ...others.values()].filter((founder) => founder !== undefined);
  founders.sort((a, b) => byNodeId(a.member, b.member));
  const first = founders.find((founder) => founder.founders !== undefined);
  if (first !== undefined && first !== self) {
    return { kind: 'wait', reason: `waiting for ${first.member.nodeId} to form the cluster` };
  }
  return found(poll.settings, founders);
}

function found(own: ClusterSettings, founders: readonly NodeDescription[]): FoundingDecision {
  const explicit = new Map(founders.map((founder) => [founder.member.nodeId, founder.explicit]));
  const differences = differencesAmongFounders(explicit);
  if (differences.length > 0) return { kind: 'refused', reason: differences.join('; ') };
  const settings = settingsOfFounders(own, explicit.values());
  if (settings.dimension === undefined && founders.length > 1) {
    return { kind: 'refused', reason: 'vector.dimension is required in a cluster: set it in a founder' };
  }
  return { kind: 'found', record: { founders: founders.map(({ member }) => member), settings } };
}

function problemsOf(poll: FounderPoll, nodeId: string, other: NodeDescription | undefined): string[] {
  if (other === undefined) return [];
  const actual = other.member.nodeId;
  if (actual !== nodeId) return [`initial_peers gives ${nodeId} an address where ${actual} answers`];
  if (!isAddress(other.member.raftAddress))
    return [`${nodeId} advertises no address: ${other.member.raftAddress}`];
  if (other.standing !== 'blank') return [`${nodeId} cannot be founded: ${other.reason}`];
  const listed = [poll.self.member.nodeId, ...poll.others.keys()].sort();
  if (other.founders !== undefined) {
    const theirs = [...other.founders].sort();
    if (theirs.join() === listed.join()) return [];
    return [`initial_peers is ${listed.join(', ')} here but ${theirs.join(', ')} at ${nodeId}`];
  }
  if (other.seeds.some((seed) => listed.includes(seed))) return [];
  return [`${nodeId} names none of the founders in seed_nodes`];
}
