import { readFile } from 'node:fs/promises';
import { setTimeout as passed } from 'node:timers/promises';
import { type LinkMode, LinkProxy } from '../chaos/link-proxy.ts';
import { count, upsert } from '../support/client.ts';
import { type LocalCluster, withCluster } from '../support/cluster.ts';
import { raftSamples } from '../support/raft-metrics.ts';
import { vectorOf } from '../support/vectors.ts';

const DIMENSION = 16;
const WRITERS = 16;
/** With its payload a write is so large that a follower which takes nothing costs its leader megabytes a second. */
const FILL = 'x'.repeat(3_000);
const BEFORE_MS = 4_000;
const SLOW_MS = 15_000;
/** What waits for one peer at most, and what one turn of all groups adds to it. */
const BACKLOG_BYTES_MAX = 24 * 2 ** 20;
const GROWTH_BYTES_MAX = 250 * 2 ** 20;
const SLOW = 'node-3';

jest.setTimeout(300_000);

interface Fault {
  readonly begin: (cluster: LocalCluster, proxy: LinkProxy) => void;
  /** What comes when the slow one leads nothing any more. */
  readonly goOn?: (proxy: LinkProxy) => void;
  readonly end: (cluster: LocalCluster, proxy: LinkProxy) => void;
}

const signal = (cluster: LocalCluster, name: NodeJS.Signals): void => {
  process.kill(cluster.pid(SLOW)!, name);
};
const links = (proxy: LinkProxy, mode: LinkMode): void => {
  for (const nodeId of ['node-1', 'node-2']) proxy.set(nodeId, SLOW, mode);
};

test.each<[string, Fault]>([
  [
    'stands still',
    { begin: (cluster) => signal(cluster, 'SIGSTOP'), end: (cluster) => signal(cluster, 'SIGCONT') },
  ],
  [
    'accepts connections and reads nothing',
    { begin: (_, proxy) => links(proxy, 'stall'), end: (_, proxy) => links(proxy, 'pass') },
  ],
  [
    'hears everything late over a thin link',
    {
      begin: (_, proxy) => links(proxy, 'stall'),
      goOn: (proxy) => links(proxy, 'slow'),
      end: (_, proxy) => links(proxy, 'pass'),
    },
  ],
])('a follower that %s slows nobody, costs its leaders little memory, and catches up', async (_, fault) => {
  await withCluster(
    { nodeCount: 3, dimension: DIMENSION, set: { 'sharding.shard_count': 4 } },
    async (cluster) => {
      const proxy = new LinkProxy({ nodeId: SLOW, port: cluster.node(SLOW).raftPort });
      const port = cluster.node(SLOW).raftPort + 3;
      await proxy.listen(port);
      const writing = new Writing(cluster);
      try {
        for (const { nodeId } of cluster.nodes)
          await cluster.start(nodeId, nodeId === SLOW ? { 'cluster.raft_address': `127.0.0.1:${port}` } : {});
        await cluster.allReady();
        await writing.for(BEFORE_MS);
        const before = await writing.for(BEFORE_MS);
        const memoryBefore = await memory(cluster);
        fault.begin(cluster, proxy);
        await cluster.until('the others lead everything', 60_000, () => writing.reachesAllShards());
        fault.goOn?.(proxy);
        const watch = new Backlogs(cluster);
        const during = await writing.for(SLOW_MS);
        const most = await watch.end();
        const growth = (await memory(cluster)) - memoryBefore;
        fault.end(cluster, proxy);
        // The same work on a machine that others use, too: a write that waited for the slow one would take seconds.
        expect(during / SLOW_MS).toBeGreaterThan((before / BEFORE_MS) * 0.25);
        expect(most).toBeLessThan(BACKLOG_BYTES_MAX);
        expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
        await cluster.until('it has caught up', 120_000, () => isCaughtUp(cluster));
        expect(await count(cluster.url(SLOW), { consistency: 'strong' })).toBe(writing.points);
      } finally {
        await writing.end();
        await proxy.close();
      }
    },
  );
});

/** Clients that write new points through the nodes that are well, one after the other each. */
class Writing {
  readonly #cluster: LocalCluster;
  /** Ids whose write was acknowledged are 0 to `points` - 1. */
  points = 0;
  #untilMs = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(cluster: LocalCluster) {
    this.#cluster = cluster;
  }

  /** Writes for so long; answers how many were acknowledged. */
  async for(ms: number): Promise<number> {
    const first = this.points;
    this.#untilMs = performance.now() + ms;
    this.#running = Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#write(writer)));
    await this.#running;
    return this.points - first;
  }

  async reachesAllShards(): Promise<boolean> {
    const startMs = performance.now();
    await Promise.all(Array.from({ length: 64 }, (_, at) => this.#put('node-1', at)));
    return performance.now() - startMs < 1_000;
  }

  async end(): Promise<void> {
    this.#untilMs = 0;
    await this.#running;
  }

  async #write(writer: number): Promise<void> {
    while (performance.now() < this.#untilMs) {
      await this.#put(writer % 2 === 0 ? 'node-1' : 'node-2', this.points);
    }
  }

  /** Again and again until it is acknowledged, so that every id is there in the end. */
  async #put(nodeId: string, salt: number): Promise<void> {
    const id = this.points;
    this.points += 1;
    const point = { id, vector: vectorOf(salt, DIMENSION), payload: { fill: FILL } };
    for (;;) {
      const reply = await upsert(this.#cluster.url(nodeId), point).catch(() => undefined);
      if (reply?.status === 200) return;
    }
  }
}

/** Looks at what waits for the slow node, on the others, until it is told to stop. */
class Backlogs {
  readonly #cluster: LocalCluster;
  readonly #stop = new AbortController();
  readonly #watching: Promise<number>;

  constructor(cluster: LocalCluster) {
    this.#cluster = cluster;
    this.#watching = this.#watch();
  }

  /** The most that was seen. */
  end(): Promise<number> {
    this.#stop.abort();
    return this.#watching;
  }

  async #watch(): Promise<number> {
    let most = 0;
    while (!this.#stop.signal.aborted) {
      for (const nodeId of ['node-1', 'node-2']) {
        const samples = await raftSamples(this.#cluster, nodeId, 'grape_raft_peer_backlog_bytes');
        const sample = samples.find(({ labels }) => labels['peer'] === SLOW);
        most = Math.max(most, sample?.value ?? 0);
      }
      await passed(200, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    return most;
  }
}

/** Resident bytes of the two nodes that are well. */
async function memory(cluster: LocalCluster): Promise<number> {
  const sizes = ['node-1', 'node-2'].map(async (nodeId) => {
    const status = await readFile(`/proc/${cluster.pid(nodeId)}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  });
  return Math.max(...(await Promise.all(sizes)));
}

async function isCaughtUp(cluster: LocalCluster): Promise<boolean> {
  const applied = await Promise.all(
    ['node-1', SLOW].map(async (nodeId) =>
      JSON.stringify(await raftSamples(cluster, nodeId, 'grape_raft_applied_index')),
    ),
  );
  return applied[0] === applied[1];
}
