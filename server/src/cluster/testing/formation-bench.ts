import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, systemClock } from '../../base/index.ts';
import { silentLogger } from '../../observability/index.ts';
import { type DataDirectory, openDataDirectory, RAFT_DIRECTORY } from '../../storage/index.ts';
import { Formation } from '../formation.ts';
import type { Hello, HostPort } from '../ports.ts';
import { refusalOf } from '../authorize.ts';
import { KnownMap } from '../known-map.ts';
import type { ClusterOptions, ClusterSettings, PeerAddress } from '../types.ts';
import { LoopbackNetwork } from './loopback-network.ts';

export const SETTINGS: ClusterSettings = {
  shardCount: 4,
  replicaCount: 3,
  dimension: 8,
  metric: 'cosine',
  binaryQuantization: true,
  m: 16,
};

export function peer(nodeId: string): PeerAddress {
  return { nodeId, host: `host-of-${nodeId}`, port: 7000 };
}

/** Options of a node that lists founders; `with` overrides. */
export function optionsOf(nodeId: string, overrides: Partial<ClusterOptions> = {}): ClusterOptions {
  const host = `host-of-${nodeId}`;
  return {
    nodeId,
    addresses: { raft: `${host}:7000`, grpc: `${host}:6334`, rest: `${host}:6333` },
    zone: '',
    initialPeers: [],
    joinCluster: false,
    seedNodes: [],
    clusterId: undefined,
    autoRejoin: true,
    settings: SETTINGS,
    explicit: new Set(),
    version: '0.0.0-test',
    ...overrides,
  };
}

/** The files of the guide: node-1 lists the founders, the others wait for it. */
export function guideStyle(nodeIds: readonly string[]): ClusterOptions[] {
  const [first, ...others] = nodeIds as [string, ...string[]];
  return [
    optionsOf(first, { initialPeers: nodeIds.map(peer) }),
    ...others.map((nodeId) => optionsOf(nodeId, { joinCluster: true, seedNodes: [peer(first)] })),
  ];
}

/** The files of a StatefulSet: all list the same founders. */
export function sharedStyle(nodeIds: readonly string[]): ClusterOptions[] {
  return nodeIds.map((nodeId) => optionsOf(nodeId, { initialPeers: nodeIds.map(peer) }));
}

/** A test that waits longer has failed. */
const UNTIL_MS = 10_000;

export type DiskStep = 'before the record' | 'after the record' | 'after the adoption';

interface RunningNode {
  readonly formation: Formation;
  readonly directory: DataDirectory;
  readonly address: HostPort;
  readonly fatal: Error[];
}

/** Nodes that form a cluster in one process, on real directories, over a network in memory and a clock that is moved. */
export class FormationBench {
  readonly network = new LoopbackNetwork();
  readonly clock = new FakeClock();
  readonly #root: string;
  readonly #running = new Map<string, RunningNode>();
  readonly #writing = new Set<Promise<void>>();

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(): Promise<FormationBench> {
    return new FormationBench(await mkdtemp(join(tmpdir(), 'grape-formation-')));
  }

  node(nodeId: string): RunningNode {
    const running = this.#running.get(nodeId);
    if (running === undefined) throw new Error(`${nodeId} does not run`);
    return running;
  }

  /** Starts a node on its directory; with `crashAt` its disk fails at that step, once, and nothing later is written. */
  async start(
    options: ClusterOptions,
    o: { crashAt?: DiskStep; holdsData?: boolean; of?: string } = {},
  ): Promise<void> {
    const path = this.path(o.of ?? options.nodeId);
    const directory = await openDataDirectory(path);
    // The Raft store of a real node exists before the node speaks to anyone.
    await mkdir(join(path, RAFT_DIRECTORY), { recursive: true });
    const fatal: Error[] = [];
    const formation = await Formation.open({
      options,
      directory: watched(directory, o.crashAt, this.#writing),
      holdsData: o.holdsData ?? false,
      clock: this.clock,
      logger: silentLogger,
      known: new KnownMap(),
      onForgotten: (reason) => fatal.push(new Error(reason)),
      onFatal: (error) => fatal.push(error),
    }).catch(async (error: unknown) => {
      await directory.close();
      throw error;
    });
    const address = { host: `host-of-${options.nodeId}`, port: 7000 };
    const hello = (): Hello => ({
      protocol: 1,
      clusterId: directory.identity.clusterId,
      nodeId: options.nodeId,
      storeUuid: directory.identity.storeUuid,
      incarnation: directory.identity.incarnation,
      bootNonce: directory.identity.bootNonce,
    });
    const refusal = (from: Hello, purpose: 'cluster' | 'forming'): string | undefined => {
      if (purpose === 'forming') return undefined;
      const { standing } = formation;
      const members = standing.kind === 'member' ? standing.record.founders : [];
      return refusalOf({ peer: from, selfId: options.nodeId, standing, members });
    };
    this.#running.set(options.nodeId, { formation, directory, address, fatal });
    formation.start(this.network.join(address, { hello, refusal }));
  }

  async stop(nodeId: string): Promise<void> {
    const { formation, directory, address } = this.node(nodeId);
    this.network.leave(address);
    this.#running.delete(nodeId);
    await formation.stop();
    await directory.close();
  }

  path(nodeId: string): string {
    return join(this.#root, nodeId);
  }

  async wipe(nodeId: string): Promise<void> {
    await rm(this.path(nodeId), { recursive: true });
  }

  standing(nodeId: string): string {
    return this.node(nodeId).formation.standing.kind;
  }

  /** Cluster id of a member; undefined for everyone else. */
  clusterId(nodeId: string): string | undefined {
    const { standing } = this.node(nodeId).formation;
    return standing.kind === 'member' ? standing.record.clusterId : undefined;
  }

  reason(nodeId: string): string {
    const { standing } = this.node(nodeId).formation;
    return standing.kind === 'member' ? '' : standing.reason;
  }

  /** Lets time pass, in steps in which everything that can happen happens, until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    const deadlineMs = systemClock.nowMs() + UNTIL_MS;
    while (!condition() && systemClock.nowMs() < deadlineMs) await this.#step();
    if (!condition()) throw new Error('the condition never held');
  }

  /** Enough rounds for anything that is going to happen to have happened. */
  async settle(): Promise<void> {
    for (let step = 0; step < 60; step += 1) await this.#step();
  }

  async close(): Promise<void> {
    for (const nodeId of [...this.#running.keys()]) await this.stop(nodeId);
    await rm(this.#root, { recursive: true, force: true });
  }

  /** Disks are real: what they write takes real time and turns of the event loop. */
  async #step(): Promise<void> {
    this.clock.advance(100);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    await Promise.allSettled(this.#writing);
  }
}

/** A disk that fails at one step and from then on, as when the process dies there; its writes are waited for. */
function watched(
  directory: DataDirectory,
  crashAt: DiskStep | undefined,
  writing: Set<Promise<void>>,
): DataDirectory {
  const failAfter = async (write: Promise<void>, fails: boolean): Promise<void> => {
    writing.add(write);
    await write.finally(() => writing.delete(write));
    if (fails) throw new Error(`the process dies ${crashAt ?? ''}`);
  };
  const overrides: Partial<DataDirectory> = {
    writeFile: (name, bytes) => {
      const write = crashAt === 'before the record' ? Promise.resolve() : directory.writeFile(name, bytes);
      return failAfter(write, crashAt === 'before the record' || crashAt === 'after the record');
    },
    adopt: (owner) => failAfter(directory.adopt(owner), crashAt !== undefined),
  };
  return new Proxy(directory, {
    get: (target, key) => {
      const value: unknown = Reflect.get(overrides, key) ?? Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
