import { FakeClock, present, seededRandom } from '../../base/index.ts';
import { type Logger, silentLogger } from '../../observability/index.ts';
import { type KvStore, MemoryKv } from '../../storage/index.ts';
import type { DiskRoom } from '../driver/append-gate.ts';
import { RaftHost } from '../driver/raft-host.ts';
import type { GroupStart, RaftFloor } from '../types.ts';
import { MemoryNetwork } from './memory-network.ts';
import { TextMachine } from './text-machine.ts';

const TICK_MS = 10;
const TURNS_MAX = 40_000;

export interface TestNode {
  readonly id: string;
  readonly kv: KvStore;
  readonly host: RaftHost;
  readonly machine: TextMachine;
  readonly fatal: Error[];
}

/** Hosts of several nodes in one process, on one clock that moves only while somebody waits with `until`. */
export class TestCluster {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly nodes = new Map<string, TestNode>();
  readonly #ids: readonly string[];
  readonly #groups: readonly number[];
  readonly #tailBytesMax: number | undefined;
  readonly #threshold: number | undefined;
  readonly #snapshotRate: number | undefined;
  readonly #floor: ((id: string) => RaftFloor) | undefined;
  readonly #disk: ((id: string) => DiskRoom) | undefined;
  readonly #leaseReads: boolean;
  readonly #logger: Logger;
  #seed: number;

  constructor(o: {
    nodes: number;
    groups?: readonly number[];
    seed?: number;
    tailBytesMax?: number;
    logCompactionThreshold?: number;
    snapshotBytesPerSecond?: number;
    floor?: (id: string) => RaftFloor;
    disk?: (id: string) => DiskRoom;
    leaseReads?: boolean;
    logger?: Logger;
  }) {
    this.#ids = Array.from({ length: o.nodes }, (_, at) => `node-${at + 1}`);
    this.#groups = o.groups ?? [0];
    this.#seed = o.seed ?? 1;
    this.#tailBytesMax = o.tailBytesMax;
    this.#threshold = o.logCompactionThreshold;
    this.#snapshotRate = o.snapshotBytesPerSecond;
    this.#floor = o.floor;
    this.#disk = o.disk;
    this.#leaseReads = o.leaseReads ?? false;
    this.#logger = o.logger ?? silentLogger;
  }

  /** Replicas are numbered as the nodes are. */
  get replicas(): ReadonlyMap<number, string> {
    return new Map(this.#ids.map((id, at) => [at + 1, id]));
  }

  async startAll(): Promise<void> {
    for (const id of this.#ids) await this.start(id);
  }

  async start(
    id: string,
    kv: KvStore = new MemoryKv('log'),
    start: Partial<GroupStart> = {},
    machine = new TextMachine(),
  ): Promise<TestNode> {
    const fatal: Error[] = [];
    const threshold = this.#threshold;
    const rate = this.#snapshotRate;
    this.#seed += 1;
    const host = await RaftHost.open({
      kv,
      transport: this.network.link(id),
      clock: this.clock,
      random: seededRandom(this.#seed),
      logger: this.#logger,
      applier: machine,
      ...(this.#floor === undefined ? {} : { floor: this.#floor(id) }),
      ...(this.#disk === undefined ? {} : { disk: this.#disk(id) }),
      onFatal: (error) => fatal.push(error),
      options: {
        electionTimeoutMs: 20 * TICK_MS,
        heartbeatIntervalMs: 5 * TICK_MS,
        maxAppendEntries: 100,
        leaseReads: this.#leaseReads,
        ...(threshold === undefined ? {} : { logCompactionThreshold: () => threshold }),
        ...(rate === undefined ? {} : { snapshotBytesPerSecond: () => rate }),
        ...(this.#tailBytesMax === undefined ? {} : { tailBytesMax: this.#tailBytesMax }),
      },
    });
    const replicaId = this.#ids.indexOf(id) + 1;
    for (const group of this.#groups) {
      host.startGroup({
        group,
        replicaId,
        nodes: this.replicas,
        bootstrapVoters: [...this.replicas.keys()],
        applied: 0,
        campaignAtOnce: false,
        ...start,
      });
    }
    const node = { id, kv, host, machine, fatal };
    this.nodes.set(id, node);
    return node;
  }

  node(id: string): TestNode {
    return present(this.nodes.get(id), id);
  }

  /** Ends the node as a crash of its machine does; answers what its disk holds afterwards. */
  crash(id: string, options: { keptBatches?: number } = {}): MemoryKv {
    const node = this.node(id);
    this.network.unplug(id);
    this.nodes.delete(id);
    const kv = node.kv;
    if (!(kv instanceof MemoryKv)) throw new Error('only a MemoryKv can crash');
    const left = kv.crash(options);
    void node.host.stop();
    return left;
  }

  /** The one node that leads `group` in the highest term. */
  leader(group = 0): TestNode | undefined {
    const leaders = [...this.nodes.values()].filter(({ host }) => host.status(group).isLeader);
    const term = ({ host }: TestNode): number => host.status(group).raft.term;
    return leaders.sort((a, b) => term(b) - term(a))[0];
  }

  async electLeader(group = 0): Promise<TestNode> {
    await this.until(() => this.leader(group) !== undefined, 'a leader');
    return present(this.leader(group), 'the leader');
  }

  followers(group = 0): TestNode[] {
    const leader = this.leader(group);
    return [...this.nodes.values()].filter((node) => node !== leader);
  }

  /** Lets time and the event loop go on until `condition`; fails when it never comes true. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      if (condition()) return;
      await turnOfTheLoop();
      if (turn % 4 === 3) this.clock.advance(TICK_MS);
    }
    throw new Error(`it never came to ${what}`);
  }

  /** Lets the event loop go on for some turns without moving the clock. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await turnOfTheLoop();
  }

  /** Lets time go on for `ticks`. */
  async ticks(ticks: number): Promise<void> {
    for (let tick = 0; tick < ticks; tick += 1) {
      this.clock.advance(TICK_MS);
      await this.turns(4);
    }
  }

  /** Lets time go on until `promise` is settled; answers it. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const done = (): void => {
      isSettled = true;
    };
    promise.then(done, done);
    await this.until(() => isSettled, 'an answer');
    return promise;
  }

  /** Proposes on the leader, again on another one when it changed; resolves when applied. */
  async write(text: string, group = 0): Promise<void> {
    for (;;) {
      const leader = await this.electLeader(group);
      const outcome = await this.settle(
        leader.host.propose(group, Buffer.from(text)).promise.then(
          () => true,
          () => false,
        ),
      );
      if (outcome) return;
    }
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
