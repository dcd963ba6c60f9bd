import type { Filter } from '../../model/index.ts';

/** Above this many reading the points in order is as good as looking each one up in every shard. */
const LOOKED_UP_MAX = 1_000;

/** The ids outside of which no point passes, each once, when they are few; undefined: any point may. */
export function onlyIds(filter: Filter): readonly Buffer[] | undefined {
  for (const condition of filter.must) {
    if (condition.kind === 'filter') {
      const ids = onlyIds(condition.filter);
      if (ids !== undefined) return ids;
    }
    if (condition.kind !== 'hasId') continue;
    const unique = new Map(condition.keys.map((key) => [key.toString('latin1'), key]));
    if (unique.size <= LOOKED_UP_MAX) return [...unique.values()];
  }
  return undefined;
}
