import type { Operation } from './history.ts';

/**
 * What versions alone prove wrong, over a whole run and in linear time: two values under one version of a key, a read that
 * found a version older than one that was acknowledged or read before it was called, a put that was acknowledged with a version not above
 * an earlier one's. Versions are log indexes of the key's shard. Answers a line for each violation.
 */
export function checkVersions(key: string, all: readonly Operation[]): string[] {
  const problems: string[] = [];
  const valueOf = new Map<number, string | null>();
  const finished = all.filter(
    (operation) => operation.ok && operation.return !== null && operation.version !== undefined,
  );
  for (const { version = 0, value, op } of finished) {
    const known = valueOf.get(version);
    if (known !== undefined && known !== value)
      problems.push(`${key}: version ${version} is ${known} and, by a ${op}, ${value}`);
    valueOf.set(version, value);
  }
  const byReturn = [...finished].sort((a, b) => (a.return ?? 0) - (b.return ?? 0));
  const byCall = [...finished].sort((a, b) => a.call - b.call);
  let seen = 0;
  let next = 0;
  for (const operation of byCall) {
    for (
      let other = byReturn[next];
      other !== undefined && (other.return ?? 0) < operation.call;
      other = byReturn[++next]
    )
      seen = Math.max(seen, other.version ?? 0);
    const { op, version = 0 } = operation;
    // A put that was repeated keeps its first version, which may be older than a put of another client since.
    if (op === 'get' && version < seen)
      problems.push(`${key}: a get found version ${version} after version ${seen}`);
  }
  return problems;
}
