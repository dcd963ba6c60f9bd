import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadConfig, type LoadOptions } from './load.ts';
import type { Machine } from './machine.ts';
import { type Config, ConfigError, type LoadedConfig } from './types.ts';

/** Four cores, 8 GiB, no control groups, the working directory /work-dir. */
export const fakeMachine: Machine = {
  cores: 4,
  memoryBytes: 8 * 2 ** 30,
  readFile: () => undefined,
  absolutePath: (path) => join('/work-dir', path),
};

/** The smallest file of a founder. */
export const FOUNDER = `
[cluster]
node_id = "node-1"
node_address = "host-1:6334"
cluster_token = "a-token-long-enough"
initial_peers = ["node-1@host-1:7000", "node-2@host-2:7000"]
[vector]
dimension = 4
`;

export function tomlFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'grape-config-')), 'config.toml');
  writeFileSync(file, text);
  return file;
}

export function load(toml: string, options: Partial<LoadOptions> = {}): LoadedConfig {
  return loadConfig({ file: tomlFile(toml), env: {}, machine: fakeMachine, ...options });
}

export function configOf(toml: string, options: Partial<LoadOptions> = {}): Config {
  return load(toml, options).config;
}

/** The problems that this configuration is refused with; none when it is accepted. */
export function problemsOf(toml: string, options: Partial<LoadOptions> = {}): readonly string[] {
  try {
    load(toml, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
