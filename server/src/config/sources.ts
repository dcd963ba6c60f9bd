import { readFileSync } from 'node:fs';
import { parse, TomlDate, TomlError } from 'smol-toml';

import { asError } from '../base/index.ts';
import { CONFIG_KEYS, type ConfigKey } from './schema.ts';

/** Values by section and key, before any check: what the file holds may have any shape. */
export type RawSettings = Record<string, unknown>;

export interface Sources {
  readonly raw: RawSettings;
  /** Where a key was set, by path: for messages, and to know what was set at all. */
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface SourceOptions {
  /** The TOML file; none: defaults, environment and flags only. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Texts by path ("server.data_dir"), from the command line. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
}

/** File, then environment, then flags, each over the one before. */
export function readSources(options: SourceOptions): Sources {
  const merged = new Merged();
  if (options.file !== undefined) readFile(options.file, merged);
  readEnvironment(options.env, merged);
  for (const [path, text] of Object.entries(options.flags ?? {})) {
    const key = CONFIG_KEYS.find((one) => one.path === path);
    if (key === undefined) merged.problems.push(`there is no key ${path}`);
    else merged.setText(key, text, 'command line');
  }
  return merged;
}

class Merged implements Sources {
  readonly raw: RawSettings = {};
  readonly origins = new Map<string, string>();
  readonly problems: string[] = [];
  readonly warnings: string[] = [];

  setText(key: ConfigKey, text: string, origin: string): void {
    const section = (this.raw[key.section] ??= {});
    // A section that the file made something else of is refused later.
    if (!isTable(section)) return;
    section[key.name] = key.fromText(text);
    this.origins.set(key.path, origin);
  }

  setFile(file: string, values: RawSettings): void {
    for (const [section, table] of Object.entries(values)) {
      // A date would pass for a table without keys.
      this.raw[section] = isTable(table) ? { ...table } : JSON.stringify(table);
      if (!isTable(table)) continue;
      for (const name of Object.keys(table)) this.origins.set(`${section}.${name}`, file);
    }
  }
}

function readFile(file: string, merged: Merged): void {
  try {
    merged.setFile(file, parse(readFileSync(file, 'utf8')));
  } catch (error) {
    merged.problems.push(fileProblem(file, error));
  }
}

/** The parser's message continues with the line itself, which may hold a secret. */
function fileProblem(file: string, error: unknown): string {
  if (error instanceof TomlError) {
    const [message = ''] = error.message.split('\n', 1);
    return `${file}, line ${error.line}, column ${error.column}: ${message}`;
  }
  return `${file} cannot be read: ${asError(error).message}`;
}

function readEnvironment(env: SourceOptions['env'], merged: Merged): void {
  for (const key of CONFIG_KEYS) {
    const text = env[key.variable];
    // Compose files pass variables on as empty texts when they are not set.
    if (text !== undefined && text !== '') merged.setText(key, text, key.variable);
  }
  const known = new Set(CONFIG_KEYS.map((key) => key.variable));
  for (const variable of Object.keys(env).sort()) {
    if (!variable.startsWith('GRAPE_') || known.has(variable)) continue;
    merged.warnings.push(`the environment variable ${variable} is not one of Grape's and has no effect`);
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);
}
