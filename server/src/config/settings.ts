import type { z } from 'zod';

import { CONFIG_KEYS, type ConfigKey, configSchema, type Settings } from './schema.ts';
import type { RawSettings, Sources } from './sources.ts';

export interface Validated {
  /** With the default in place of every value that was refused, so that further checks can go on. */
  readonly settings: Settings;
  readonly problems: readonly string[];
  /** Paths of keys that were refused. */
  readonly refused: ReadonlySet<string>;
}

/** Checks sections, keys and values one by one; all problems are found. */
export function validateSettings(sources: Sources): Validated {
  const first = configSchema.safeParse(sources.raw);
  if (first.success) return { settings: first.data, problems: [], refused: new Set() };
  const problems = [...new Set(first.error.issues.flatMap((issue) => describe(issue, sources)))];
  const refused = new Set(first.error.issues.map((issue) => issue.path.slice(0, 2).join('.')));
  return { settings: configSchema.parse(without(sources.raw, first.error.issues)), problems, refused };
}

/** The value as a message may show it. */
function shownValue(key: ConfigKey, value: unknown): string {
  return key.secret === true ? '(secret)' : JSON.stringify(value);
}

function describe(issue: z.core.$ZodIssue, { raw, origins }: Sources): string[] {
  const [section, name] = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => (section === undefined ? unknownSection(key) : unknownKey(section, key)));
  }
  const key = CONFIG_KEYS.find((one) => one.section === section && one.name === name);
  if (key === undefined) return [`[${section ?? ''}] must be a table of keys`];
  const value = (raw[key.section] as Record<string, unknown>)[key.name];
  const origin = origins.get(key.path) ?? 'default';
  return [`[${key.section}] ${key.name} = ${shownValue(key, value)} (${origin}): it must be ${key.expects}`];
}

function unknownSection(name: string): string {
  const key = CONFIG_KEYS.find((one) => one.name === name);
  const home = key === undefined ? '' : `; ${name} is a key of [${key.section}]`;
  const sections = Object.keys(configSchema.shape).join(', ');
  return `there is no section or top-level key "${name}"${home}; remove it or correct it (sections: ${sections})`;
}

function unknownKey(section: string, name: string): string {
  const elsewhere = CONFIG_KEYS.find((one) => one.name === name);
  if (elsewhere !== undefined) return `[${section}] ${name}: move it to [${elsewhere.section}]`;
  const names = CONFIG_KEYS.filter((one) => one.section === section).map((one) => one.name);
  return `[${section}] ${name} is not a known key; remove it or correct it (keys: ${names.join(', ')})`;
}

function without(raw: RawSettings, issues: readonly z.core.$ZodIssue[]): RawSettings {
  const copy: RawSettings = Object.fromEntries(
    Object.entries(raw).map(([section, table]) => [section, { ...(table as object) }]),
  );
  for (const issue of issues) {
    const [section, name] = issue.path.map(String);
    const table = section === undefined ? copy : (copy[section] as RawSettings);
    const bad = issue.code === 'unrecognized_keys' ? issue.keys : [name];
    if (section !== undefined && name === undefined && issue.code !== 'unrecognized_keys') copy[section] = {};
    else for (const key of bad) if (key !== undefined) Reflect.deleteProperty(table, key);
  }
  return copy;
}
