/**
 * Assigns shards to nodes that hold them, so that few nodes are asked: this node takes all it can, then always the
 * node that covers most of the rest (greedy set cover; ties go to the smaller node id). Shards without a candidate are
 * left out.
 */
export function coverShards(o: {
  readonly shards: readonly number[];
  readonly self: string;
  readonly candidates: (shard: number) => readonly string[];
}): readonly { readonly nodeId: string; readonly shards: readonly number[] }[] {
  const holders = new Map<string, Set<number>>();
  for (const shard of o.shards) {
    for (const nodeId of o.candidates(shard)) {
      const held = holders.get(nodeId);
      if (held === undefined) holders.set(nodeId, new Set([shard]));
      else held.add(shard);
    }
  }
  const plan: { nodeId: string; shards: readonly number[] }[] = [];
  for (let next = pick(holders, o.self); next !== undefined; next = pick(holders, o.self)) {
    const [nodeId, shards] = next;
    plan.push({ nodeId, shards: [...shards] });
    holders.delete(nodeId);
    for (const [other, held] of holders) {
      for (const shard of shards) held.delete(shard);
      if (held.size === 0) holders.delete(other);
    }
  }
  return plan;
}

function pick(
  holders: ReadonlyMap<string, Set<number>>,
  self: string,
): readonly [string, Set<number>] | undefined {
  const own = holders.get(self);
  if (own !== undefined) return [self, own];
  let best: readonly [string, Set<number>] | undefined;
  for (const candidate of holders) {
    if (best === undefined || better(candidate, best)) best = candidate;
  }
  return best;
}

function better(a: readonly [string, Set<number>], b: readonly [string, Set<number>]): boolean {
  return a[1].size === b[1].size ? a[0] < b[0] : a[1].size > b[1].size;
}
