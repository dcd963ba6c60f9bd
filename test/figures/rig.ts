import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../server/src/base/index.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import {
  type Applier,
  type CommittedBatch,
  PeerTransport,
  PROTOCOL_VERSION,
  RaftHost,
  type SnapshotSink,
  type SnapshotSource,
} from '../../server/src/raft/index.ts';
import {
  EMPTY_FLOOR,
  FloorKeeper,
  type KvStore,
  openRocksKv,
  writeDurably,
} from '../../server/src/storage/index.ts';

/** The default timeouts of the deployment guide. */
const GUIDE_TIMING = { electionTimeoutMs: 1000, heartbeatIntervalMs: 250, maxAppendEntries: 100 };

/** Counts what it applies: the figures are those of consensus, not of a state machine. */
class Counter implements Applier {
  readonly #applied = new Map<number, number>();

  apply(batches: readonly CommittedBatch[]): Promise<readonly (readonly unknown[])[]> {
    for (const { group, entries } of batches) this.#applied.set(group, entries.at(-1)?.index ?? 0);
    return Promise.resolve(batches.map(({ entries }) => entries.map(({ index }) => index)));
  }

  applied(group: number): number {
    return this.#applied.get(group) ?? 0;
  }

  durableApplied(group: number): number {
    return this.applied(group);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  openSnapshot(): Promise<SnapshotSource> {
    return Promise.reject(new Error('no replica lags here'));
  }

  beginInstall(): Promise<SnapshotSink> {
    return Promise.reject(new Error('no replica lags here'));
  }

  switchTo(): Promise<void> {
    return Promise.reject(new Error('no replica lags here'));
  }
}

export interface RigNode {
  readonly id: string;
  readonly host: RaftHost;
  readonly transport: PeerTransport;
  readonly kv: KvStore;
  readonly close: () => Promise<void>;
}

interface RigOptions {
  readonly nodes: number;
  readonly groups: number;
  readonly leaseReads?: boolean;
}

/** Raft hosts over real sockets on loopback and real RocksDB stores on one disk, in one process. */
export class Rig {
  readonly nodes = new Map<string, RigNode>();
  readonly groups: readonly number[];
  readonly directory: string;
  readonly #ids: readonly string[];
  readonly #ports = new Map<string, number>();
  readonly #machines = new Map<string, Counter>();
  readonly #leaseReads: boolean;
  #starts = 0;

  private constructor(directory: string, o: RigOptions) {
    this.#leaseReads = o.leaseReads ?? false;
    this.directory = directory;
    this.#ids = Array.from({ length: o.nodes }, (_, at) => `node-${at + 1}`);
    this.groups = Array.from({ length: o.groups }, (_, group) => group);
  }

  static async start(o: RigOptions): Promise<Rig> {
    const rig = new Rig(await mkdtemp(join(tmpdir(), 'grape-raft-')), o);
    for (const id of rig.#ids) await rig.open(id);
    for (const node of rig.nodes.values()) rig.#join(node);
    await rig.allLed();
    return rig;
  }

  /** The node's process starts, or starts again on its disk. */
  async open(id: string): Promise<RigNode> {
    const shared = { clock: systemClock, logger: silentLogger };
    const path = join(this.directory, id);
    const kv = await openRocksKv({
      path,
      profile: 'log',
      cacheBytes: 8 << 20,
      writeBufferBytes: 16 << 20,
      compression: false,
    });
    this.#starts += 1;
    const incarnation = this.#starts;
    const transport = await PeerTransport.listen({
      ...shared,
      host: '127.0.0.1',
      port: this.#ports.get(id) ?? 0,
      hello: () => ({
        protocol: PROTOCOL_VERSION,
        clusterId: 'rig',
        nodeId: id,
        storeUuid: `store of ${id}`,
        incarnation,
        bootNonce: `${incarnation}`,
        sequence: Number.MAX_SAFE_INTEGER,
      }),
      tokens: () => ['secret'],
      authorize: () => undefined,
      http: (socket) => socket.destroy(),
    });
    this.#ports.set(id, transport.port);
    const floorFile = join(this.directory, `floor-${id}`);
    const floor = new FloorKeeper({
      floor: EMPTY_FLOOR,
      write: (bytes) => writeDurably(floorFile, bytes),
      clock: systemClock,
      onError: (error) => {
        throw error;
      },
    });
    const machine = this.#machines.get(id) ?? new Counter();
    this.#machines.set(id, machine);
    const leaseReads = this.#leaseReads;
    const options = { ...GUIDE_TIMING, leaseReads, logCompactionThreshold: (): number => 2_000 };
    const host = await RaftHost.open({
      ...shared,
      kv,
      transport,
      random: systemRandom(),
      applier: machine,
      floor,
      options,
    });
    const close = async (): Promise<void> => {
      this.nodes.delete(id);
      await transport.close();
      await host.stop();
      await floor.close();
      await kv.close();
    };
    const node = { id, host, transport, kv, close };
    this.nodes.set(id, node);
    return node;
  }

  /** A killed node comes back. */
  async reopen(id: string): Promise<void> {
    this.#join(await this.open(id));
  }

  leaderOf(group: number): RigNode | undefined {
    const leaders = [...this.nodes.values()].filter(({ host }) => host.status(group).isLeader);
    const term = ({ host }: RigNode): number => host.status(group).raft.term;
    return leaders.sort((a, b) => term(b) - term(a))[0];
  }

  async allLed(): Promise<void> {
    while (this.groups.some((group) => this.leaderOf(group) === undefined)) await turn();
  }

  async close(): Promise<void> {
    for (const node of [...this.nodes.values()]) await node.close();
    await rm(this.directory, { recursive: true });
  }

  #join({ id, host, transport }: RigNode): void {
    transport.setPeers(
      new Map([...this.#ports].map(([other, port]) => [other, { host: '127.0.0.1', port }])),
    );
    const nodes = new Map(this.#ids.map((other, at) => [at + 1, other]));
    const own = this.#ids.indexOf(id);
    for (const group of this.groups) {
      host.startGroup({
        group,
        replicaId: own + 1,
        nodes,
        bootstrapVoters: [...nodes.keys()],
        applied: this.#machines.get(id)?.applied(group) ?? 0,
        campaignAtOnce: this.#starts <= this.#ids.length && group % this.#ids.length === own,
      });
    }
  }
}

export function turn(ms = 2): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
