import { readFile } from 'node:fs/promises';

import type { Clock } from '../base/index.ts';
import { impossibleCombinations } from './checks.ts';
import { completed, type LoadedSettings, type LoadOptions, loadSettings, valueAt } from './load.ts';
import { thisMachine } from './machine.ts';
import { CONFIG_KEYS, type ConfigKey, type Settings } from './schema.ts';
import { type Config, ConfigError, type LoadedConfig } from './types.ts';

/** How often the file is looked at. Mounted files are replaced through links, which watching does not see. */
const FILE_CHECK_MS = 2_000;

export interface ReloadReport {
  /** Paths whose new value is in effect. */
  readonly applied: readonly string[];
  /** Paths whose new value waits for a restart. */
  readonly needRestart: readonly string[];
  /** Why nothing was changed at all. */
  readonly problems: readonly string[];
}

export type ConfigListener = (config: Config, applied: readonly string[]) => void;

/** The configuration of the process; reloadable keys change while it runs, always as a whole new frozen `Config`. */
export class ConfigHandle {
  readonly #options: LoadOptions;
  readonly #listeners = new Set<ConfigListener>();
  #settings: LoadedSettings;
  #loaded: LoadedConfig;

  /** Throws `ConfigError`. */
  constructor(options: LoadOptions) {
    this.#options = options;
    this.#settings = loadSettings(options);
    this.#loaded = this.#complete();
  }

  get current(): Config {
    return this.#loaded.config;
  }

  get warnings(): readonly string[] {
    return this.#loaded.warnings;
  }

  get notYetInEffect(): readonly string[] {
    return this.#loaded.notYetInEffect;
  }

  /** Called after a reload that changed something. Returns what ends the calls. */
  onChange(listener: ConfigListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the file again. A file with a problem changes nothing. */
  reload(): ReloadReport {
    try {
      return this.#apply(loadSettings(this.#options));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { applied: [], needRestart: [], problems: error.problems };
    }
  }

  /**
   * Reloads on SIGHUP and when the text of the file changes, and tells `report` about every reload that met anything
   * new. Returns what ends the watching.
   */
  watch(o: { clock: Clock; signals: SignalSource; report: (report: ReloadReport) => void }): () => void {
    const reload = (): void => {
      const report = this.reload();
      if (report.applied.length + report.needRestart.length + report.problems.length > 0) o.report(report);
    };
    const file = this.#options.file;
    const watcher = file === undefined ? undefined : new FileWatcher(file, reload);
    const timer = o.clock.every(FILE_CHECK_MS, () => void watcher?.check());
    void watcher?.check();
    o.signals.on('SIGHUP', reload);
    return () => {
      timer.cancel();
      o.signals.off('SIGHUP', reload);
    };
  }

  #apply(fresh: LoadedSettings): ReloadReport {
    const changed = CONFIG_KEYS.filter((key) => differs(this.#settings.settings, fresh.settings, key));
    const reloadable = changed.filter((key) => key.reloadable === true);
    const settings = withKeys(this.#settings.settings, fresh.settings, reloadable);
    const problems = impossibleCombinations(settings).map(({ text }) => text);
    if (problems.length > 0) return { applied: [], needRestart: [], problems };
    const applied = reloadable.map((key) => key.path);
    if (applied.length > 0) {
      this.#settings = { ...this.#settings, settings };
      this.#loaded = this.#complete();
      for (const listener of this.#listeners) listener(this.current, applied);
    }
    return {
      applied,
      needRestart: changed.filter((key) => key.reloadable !== true).map((key) => key.path),
      problems,
    };
  }

  #complete(): LoadedConfig {
    return completed(this.#settings, this.#options.machine ?? thisMachine());
  }
}

/** The part of `process` that tells of signals. */
export interface SignalSource {
  on(signal: 'SIGHUP', listener: () => void): unknown;
  off(signal: 'SIGHUP', listener: () => void): unknown;
}

/** Calls back at the first check and whenever the text of a file differs from the text seen before. */
class FileWatcher {
  readonly #file: string;
  readonly #onChange: () => void;
  #text: string | undefined;

  constructor(file: string, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
  }

  async check(): Promise<void> {
    const text = await textOf(this.#file);
    // A file that is gone for a moment is being replaced.
    if (text === undefined || text === this.#text) return;
    this.#text = text;
    this.#onChange();
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

function differs(before: Settings, after: Settings, key: ConfigKey): boolean {
  return JSON.stringify(valueAt(before, key)) !== JSON.stringify(valueAt(after, key));
}

function withKeys(before: Settings, after: Settings, keys: readonly ConfigKey[]): Settings {
  const mixed = structuredClone(before) as unknown as Record<string, Record<string, unknown>>;
  for (const key of keys) {
    const section = mixed[key.section];
    if (section !== undefined) section[key.name] = valueAt(after, key);
  }
  return mixed as unknown as Settings;
}
