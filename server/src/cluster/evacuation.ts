/** A group that this node leads and should not. */
export interface LedGroup {
  readonly group: number;
  /** Nodes with room whose voters are without a gap. */
  readonly candidates: readonly string[];
  readonly isTransferring: boolean;
}

export interface HandOver {
  readonly group: number;
  readonly to: string;
}

/**
 * Where the groups go that a node without room leads: each to the candidate that gets the fewest of them; those without
 * one stay. All at once: while a full node leads, its group takes no writes.
 */
export function planEvacuation(led: readonly LedGroup[]): HandOver[] {
  const load = new Map<string, number>();
  const plan: HandOver[] = [];
  for (const { group, candidates, isTransferring } of led) {
    if (isTransferring) continue;
    const [to] = [...candidates].sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0));
    if (to === undefined) continue;
    load.set(to, (load.get(to) ?? 0) + 1);
    plan.push({ group, to });
  }
  return plan;
}
