import { impossibleCombinations, riskyCombinations } from './checks.ts';
import { deriveConfig } from './derive.ts';
import { type Machine, thisMachine } from './machine.ts';
import { CONFIG_KEYS, type Settings } from './schema.ts';
import { validateSettings } from './settings.ts';
import { readSources, type SourceOptions } from './sources.ts';
import { ConfigError, type LoadedConfig } from './types.ts';

export interface LoadOptions extends SourceOptions {
  /** Where defaults come from that depend on the machine; this one when absent. */
  readonly machine?: Machine | undefined;
}

/** What was read and accepted, before anything is derived. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly explicit: ReadonlySet<string>;
  readonly warnings: readonly string[];
}

/** Reads file, environment and flags. Throws `ConfigError` with all problems at once. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  return completed(loadSettings(options), options.machine ?? thisMachine());
}

export function loadSettings(options: SourceOptions): LoadedSettings {
  const sources = readSources(options);
  const { settings, problems, refused } = validateSettings(sources);
  const combinations = impossibleCombinations(settings)
    .filter(({ paths }) => !paths.some((path) => refused.has(path)))
    .map(({ text }) => text);
  const all = [...sources.problems, ...problems, ...combinations];
  if (all.length > 0) throw new ConfigError(all);
  return { settings, explicit: new Set(sources.origins.keys()), warnings: sources.warnings };
}

export function completed({ settings, explicit, warnings }: LoadedSettings, machine: Machine): LoadedConfig {
  const config = deriveConfig({ settings, explicit, machine });
  return Object.freeze({
    config,
    warnings: [...warnings, ...riskyCombinations(settings, config.server.memoryLimitMb)],
    notYetInEffect: CONFIG_KEYS.filter((key) => key.later !== undefined && explicit.has(key.path))
      .filter((key) => key.inert === undefined || valueAt(settings, key) !== key.inert)
      .map((key) => key.path),
  });
}

export function valueAt(settings: Settings, key: { section: string; name: string }): unknown {
  return (settings as Readonly<Record<string, Readonly<Record<string, unknown>>>>)[key.section]?.[key.name];
}
