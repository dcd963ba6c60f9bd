import type { ClusterSettings } from './types.ts';

/** A latched setting: where a file writes it, and what is said when two nodes disagree. */
interface LatchedSetting {
  readonly path: string;
  readonly key: keyof ClusterSettings;
}

const LATCHED: readonly LatchedSetting[] = [
  { path: 'sharding.shard_count', key: 'shardCount' },
  { path: 'sharding.replica_count', key: 'replicaCount' },
  { path: 'vector.dimension', key: 'dimension' },
  { path: 'vector.distance_metric', key: 'metric' },
  { path: 'vector.binary_quantization', key: 'binaryQuantization' },
  { path: 'index.m', key: 'm' },
];

/** Latched settings by TOML path, only those that a node's file or environment sets. */
export type ExplicitSettings = ReadonlyMap<string, string>;

export function explicitSettings(settings: ClusterSettings, explicit: ReadonlySet<string>): ExplicitSettings {
  const set = LATCHED.filter(({ path, key }) => explicit.has(path) && settings[key] !== undefined);
  return new Map(set.map(({ path, key }) => [path, String(settings[key])]));
}

/** One sentence for every setting that a file sets to another value than the cluster has. */
export function differencesFromCluster(own: ExplicitSettings, cluster: ClusterSettings): string[] {
  return LATCHED.flatMap(({ path, key }) => {
    const wanted = own.get(path);
    const latched = cluster[key];
    if (wanted === undefined || latched === undefined || wanted === String(latched)) return [];
    return [`${path} is ${wanted} here but ${latched} in the cluster: correct or remove the key`];
  });
}

/** One sentence for every setting that two founders set to different values. */
export function differencesAmongFounders(founders: ReadonlyMap<string, ExplicitSettings>): string[] {
  return LATCHED.flatMap(({ path }) => {
    const values = [...founders].flatMap(([nodeId, explicit]) => {
      const value = explicit.get(path);
      return value === undefined ? [] : [{ nodeId, value }];
    });
    const first = values[0];
    const other = values.find(({ value }) => value !== first?.value);
    if (first === undefined || other === undefined) return [];
    return [
      `${path} is ${first.value} at ${first.nodeId} but ${other.value} at ${other.nodeId}: make them equal`,
    ];
  });
}

/**
 * The settings a cluster forms with: what any founder sets, the coordinator's defaults for the rest. The founders must
 * agree (`differencesAmongFounders`).
 */
export function settingsOfFounders(
  own: ClusterSettings,
  founders: Iterable<ExplicitSettings>,
): ClusterSettings {
  const merged: Record<string, unknown> = { ...own };
  for (const explicit of founders) {
    for (const { path, key } of LATCHED) {
      const text = explicit.get(path);
      if (text !== undefined) merged[key] = parseLike(own[key], key, text);
    }
  }
  return merged as unknown as ClusterSettings;
}

function parseLike(example: unknown, key: keyof ClusterSettings, text: string): unknown {
  if (typeof example === 'number' || key === 'dimension') return Number(text);
  return typeof example === 'boolean' ? text === 'true' : text;
}
