import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, closedLoop } from '../closed-loop.ts';
import { cpuMsOf } from '../cpu-time.ts';
import type { Dataset } from '../dataset.ts';
import { loadPoints } from '../load-points.ts';
import { LocalCluster } from '../local-cluster.ts';
import { recallAt } from '../stats.ts';

export interface Measured {
  readonly perSecond: number;
  /** 1000 / the servers' processor milliseconds for each call. */
  readonly perSecondAndCore: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Servers on this machine, loaded with the set. */
export class BenchCluster {
  readonly #cluster: LocalCluster;
  readonly #directory: string;
  readonly #data: Dataset;

  private constructor(cluster: LocalCluster, directory: string, data: Dataset) {
    this.#cluster = cluster;
    this.#directory = directory;
    this.#data = data;
  }

  static async start(nodeCount: number, data: Dataset): Promise<BenchCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'grape-bench-'));
    const portOffset = Number(process.env['PORT_OFFSET'] ?? 500);
    const shape = { nodeCount, directory, dimension: data.dimension, portOffset, ownSessions: false };
    const set = { 'sharding.replica_count': nodeCount };
    const cluster = new LocalCluster({ ...shape, set });
    process.once('SIGINT', () => void cluster.stopAll('SIGKILL').then(() => process.exit(130)));
    await cluster.startAll();
    await cluster.allReady();
    return new BenchCluster(cluster, directory, data);
  }

  get ports(): readonly number[] {
    return this.#cluster.nodes.map((node) => node.restPort);
  }

  /** Points per second until every batch was acknowledged, and until every vector was linked. */
  async load(batchPoints: number): Promise<{ readonly acknowledged: number; readonly linked: number }> {
    const { count } = this.#data;
    const startMs = performance.now();
    const rate = (): number => (1000 * count) / (performance.now() - startMs);
    await loadPoints(this.#data, { from: 0, to: count }, { ports: this.ports, batchPoints, connections: 4 });
    const acknowledged = rate();
    await this.#cluster.until('every vector is linked', 600_000, async () => {
      const tails = await Promise.all(this.#cluster.nodes.map(({ metricsPort }) => unlinked(metricsPort)));
      return tails.every((tail) => tail === 0);
    });
    return { acknowledged, linked: rate() };
  }

  async measure(o: {
    readonly calls: readonly Call[];
    readonly connections: number;
    readonly total: number;
  }): Promise<Measured> {
    const { calls, connections, total } = o;
    const servers = this.#cluster.nodes.map((node) => this.#cluster.pid(node.nodeId) as number);
    const beforeMs = cpuMsOf(servers);
    const make = (i: number): Call => calls[i % calls.length] as Call;
    const { perSecond, p50Ms, p95Ms } = await closedLoop({
      ports: this.ports,
      connections,
      calls: total,
      make,
    });
    return { perSecond, perSecondAndCore: (1000 * total) / (cpuMsOf(servers) - beforeMs), p50Ms, p95Ms };
  }

  async recall(calls: readonly Call[], truth: readonly (readonly number[])[]): Promise<number> {
    const found: number[][] = [];
    await closedLoop({
      ...{ ports: this.ports, connections: 8, calls: calls.length },
      make: (i) => calls[i] as Call,
      onAnswer: (i, answer) => {
        const { results } = JSON.parse(answer.body.toString()) as { results: { id: number }[] };
        found[i] = results.map(({ id }) => id);
      },
    });
    return recallAt(found, truth);
  }

  async stop(): Promise<void> {
    await this.#cluster.stopAll();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function unlinked(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^grape_index_unlinked (\S+)$/m.exec(text)?.[1]);
}
