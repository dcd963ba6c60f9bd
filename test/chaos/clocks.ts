import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's package `faketime`: changes what a process is told, never the clock of the machine. */
const LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1';

/** The wall clocks of the nodes, each with an offset of its own that may jump while its process runs. */
export class NodeClocks {
  readonly #directory: string;
  readonly #library: string;

  /** Throws when the library is not installed (`make setup` does). */
  constructor(directory: string) {
    this.#directory = directory;
    const [library] = globSync(LIBRARY);
    if (library === undefined) throw new Error(`${LIBRARY} is not there: make setup installs it`);
    this.#library = library;
  }

  /** Of the process of a node. Timers and time-outs keep to the monotonic clock, as they do on a real machine. */
  environment(nodeId: string): Record<string, string> {
    this.set(nodeId, 0);
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#fileOf(nodeId),
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_CACHE_DURATION: '1',
    };
  }

  set(nodeId: string, seconds: number): void {
    writeFileSync(this.#fileOf(nodeId), `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  }

  #fileOf(nodeId: string): string {
    return join(this.#directory, `clock-${nodeId}`);
  }
}
