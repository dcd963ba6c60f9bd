import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeConfig, type NodePlan, planNodes, type PlanOptions } from './node-plan.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SERVER = join(ROOT, 'bin', 'grape-vector-db-server');

export interface ClusterOptions extends PlanOptions {
  /** Environment of the servers, over the caller's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of one of them, over both; asked at each start. */
  readonly envOf?: (nodeId: string) => Readonly<Record<string, string>>;
  /**
   * Whether each node runs in a session of its own (the default): Ctrl-C in the terminal then reaches the launcher only,
   * which stops the nodes in order. Linux shares the processors fairly between sessions first (autogroup, sched(7)), so
   * that the low priority of a node's background work counts within that node only. A measurement of several nodes on one
   * machine wants it to count between them too, as it does on machines of their own, and says false.
   */
  readonly ownSessions?: boolean;
}

/** Server processes on this machine, one per node, each with a configuration file and a log beside its data. */
export class LocalCluster {
  readonly nodes: readonly NodePlan[];
  readonly #options: ClusterOptions;
  readonly #running = new Map<string, ChildProcess>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.nodes = planNodes(options);
  }

  async startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.start(node.nodeId)));
  }

  /** Starts the process, this once with `set` over its configuration; use `whenReady` to wait for it. */
  async start(nodeId: string, set: PlanOptions['set'] = {}): Promise<ChildProcess> {
    const node = this.node(nodeId);
    await mkdir(node.directory, { recursive: true });
    const file = join(node.directory, 'config.toml');
    await writeFile(file, nodeConfig(node, { ...this.#options, set: { ...this.#options.set, ...set } }));
    const log = openSync(join(node.directory, 'server.log'), 'a');
    const child = spawn(SERVER, ['--config', file], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#options.env, ...this.#options.envOf?.(nodeId) },
      detached: this.#options.ownSessions ?? true,
    });
    this.#running.set(nodeId, child);
    child.once('exit', () => {
      if (this.#running.get(nodeId) === child) this.#running.delete(nodeId);
    });
    return child;
  }

  /** Sends the signal and waits until the process has ended; answers its exit code. */
  async stop(nodeId: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#running.get(nodeId);
    if (child === undefined) return null;
    const ended = exitOf(child);
    child.kill(signal);
    return ended;
  }

  /** Waits for a process that ends by itself; answers its exit code. */
  exit(child: ChildProcess): Promise<number | null> {
    return exitOf(child);
  }

  async stopAll(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await Promise.all([...this.#running.keys()].map((nodeId) => this.stop(nodeId, signal)));
  }

  isRunning(nodeId: string): boolean {
    return this.#running.has(nodeId);
  }

  pid(nodeId: string): number | undefined {
    return this.#running.get(nodeId)?.pid;
  }

  node(nodeId: string): NodePlan {
    const node = this.nodes.find((each) => each.nodeId === nodeId);
    if (node === undefined) throw new Error(`there is no ${nodeId}`);
    return node;
  }

  url(nodeId: string): string {
    return `http://127.0.0.1:${this.node(nodeId).restPort}`;
  }

  /** Waits until /readyz of the node answers 200; fails when its process ends first or at the deadline. */
  async whenReady(nodeId: string, deadlineMs = 60_000): Promise<void> {
    await this.until(`${nodeId} is ready`, deadlineMs, async () => {
      if (!this.isRunning(nodeId)) {
        throw new Error(
          `${nodeId} ended while starting; see ${join(this.node(nodeId).directory, 'server.log')}`,
        );
      }
      const answer = await fetch(`${this.url(nodeId)}/readyz`).catch(() => undefined);
      return answer?.status === 200;
    });
  }

  async allReady(deadlineMs = 60_000): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.whenReady(node.nodeId, deadlineMs)));
  }

  /** Polls until the condition holds; fails with its name at the deadline. */
  async until(what: string, deadlineMs: number, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}
