import { asError, type Random, seededRandom } from '../../server/src/base/index.ts';
import type { NodeStatus } from '../../server/src/cluster/node-status.ts';
import { Clients } from './clients.ts';
import { Events } from './events.ts';
import { Faults } from './faults.ts';
import { SimNetwork } from './network.ts';
import { SimNode } from './node.ts';
import { TICK_MS } from './node-clock.ts';
import { Oracle, Violation } from './oracle.ts';
import { SimMap } from './placement.ts';
import { settled } from './settled.ts';
import { drawSwarm, type Swarm } from './swarm.ts';

/** Virtual time within which a healed cluster must be whole and equal. */
const LIVENESS_MS = 60_000;
const REPAIR_PERIOD_MS = 100;

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  /** Of everything that happened, in order: equal for equal seeds. */
  readonly hash: number;
  readonly failure:
    { readonly step: number; readonly message: string; readonly trace: readonly string[] } | undefined;
  readonly counts: Readonly<Record<string, number>>;
}

/** A cluster in one process: everything that happens follows from the seed. */
export class World {
  readonly random: Random;
  readonly events = new Events();
  readonly network: SimNetwork;
  readonly oracle = new Oracle();
  readonly nodes: readonly SimNode[];
  readonly swarm: Swarm;
  readonly map: SimMap;
  readonly faults: Faults;
  readonly clients: Clients;
  steps = 0;
  snapshots = 0;
  leasedReads = 0;
  #hash = 0;
  #violation: Error | undefined;
  readonly #trace: string[] = [];
  readonly #traceMax: number;
  readonly #seed: number;

  readonly #print: (line: string) => void;

  constructor(seed: number, o: { readonly traceMax: number; readonly print?: (line: string) => void }) {
    this.#seed = seed;
    this.#traceMax = o.traceMax;
    this.#print = o.print ?? ((): void => undefined);
    this.random = seededRandom(seed);
    this.swarm = drawSwarm(this.random);
    const { nodes, groups, replicas, faults } = this.swarm;
    this.network = new SimNetwork(this.events, this.random);
    this.network.encodes = this.swarm.encodes;
    this.network.onMessage = (message, process) => this.guard(() => this.oracle.sent(message, process));
    const nodeIds = Array.from({ length: nodes }, (_, at) => `node-${at + 1}`);
    this.map = new SimMap({ nodeIds, shardCount: groups, replicaCount: replicas });
    const slowApplyMs = faults.has('slow apply') ? 30 : 0;
    const deps = {
      events: this.events,
      random: this.random,
      network: this.network,
      oracle: this.oracle,
      map: () => this.map.map,
      onViolation: (error: unknown) => this.#fail(error),
      onSnapshot: () => {
        this.snapshots += 1;
      },
      onLeasedReads: (count: number) => {
        this.leasedReads += count;
      },
      onLeads: (node: SimNode) => this.faults.ambush(node),
      tuning: { ...this.swarm, slowApplyMs },
    };
    this.nodes = nodeIds.map((id) => new SimNode(id, deps));
    this.faults = new Faults(this);
    this.clients = new Clients(this);
  }

  /** Faults for `steps` steps, then a healed cluster that must become whole. */
  async run(steps: number): Promise<Outcome> {
    try {
      for (const node of this.nodes) {
        await node.start();
        this.#tick(node);
      }
      this.#repair();
      this.clients.begin();
      this.faults.begin();
      while (this.steps < steps) await this.#step();
      await this.faults.heal();
      await this.#becomeWhole();
      return this.#outcome(undefined);
    } catch (error) {
      return this.#outcome(error);
    }
  }

  /** Notes what happens: part of the hash, and of the trace. */
  note(what: string): void {
    for (let at = 0; at < what.length; at += 1)
      this.#hash = (Math.imul(this.#hash, 31) + what.charCodeAt(at)) | 0;
    if (this.#traceMax === 0) return;
    const line = `${String(this.steps).padStart(6)} ${this.events.nowMs.toFixed(1).padStart(9)} ms  ${what}`;
    this.#print(line);
    this.#trace.push(line);
    if (this.#trace.length > this.#traceMax) this.#trace.shift();
  }

  /** Reports of the nodes that run. */
  heard(): NodeStatus[] {
    return this.nodes.map((node) => node.status()).filter((status) => status !== undefined);
  }

  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#violation ??= asError(error);
  }

  /** One event and everything that follows from it at once. */
  async #step(): Promise<void> {
    this.steps += 1;
    this.events.next();
    await settled();
    if (this.#violation !== undefined) throw this.#violation;
  }

  #tick(node: SimNode): void {
    const tick = (): void => {
      if (!this.faults.isPaused(node)) {
        node.advance(TICK_MS);
        this.#look(node);
      }
      this.events.after(TICK_MS * node.rate, tick);
    };
    this.events.after(this.random.next() * TICK_MS, tick);
  }

  /** What can be seen of a node from outside. */
  #look(node: SimNode): void {
    if (node.hasFailed) this.faults.died(node);
    this.guard(() => node.checkShown());
    const host = node.running?.host;
    for (const group of host?.groups() ?? []) {
      const { raft } = (host as NonNullable<typeof host>).status(group);
      this.#hash = (Math.imul(this.#hash, 31) + raft.commit * 7 + raft.term) | 0;
    }
  }

  /** What the leader of `meta` does, on the reports of the nodes. */
  #repair(): void {
    for (const step of this.map.plan(this.heard())) {
      const leader = this.nodes.find(({ id }) => id === step.leader);
      try {
        leader?.running?.host.changeMembership(step.group, step.change);
        if (leader !== undefined) this.faults.ambush(leader);
        this.note(
          `group ${step.group}: ${step.change.steps.map(({ type, replica }) => `${type} ${replica}`).join()}`,
        );
      } catch {
        // Not the leader any more, or another change is under way: planned again.
      }
    }
    for (const node of this.nodes) node.follow();
    this.events.after(REPAIR_PERIOD_MS, () => this.#repair());
  }

  async #becomeWhole(): Promise<void> {
    const untilMs = this.events.nowMs + LIVENESS_MS;
    this.clients.writeAfterAll();
    for (let count = 0; ; count += 1) {
      await this.#step();
      if (count % 200 !== 0) continue;
      const lacking = this.#lacking();
      if (lacking === undefined) break;
      if (this.events.nowMs > untilMs) throw new Violation(`healed, but ${lacking}`);
    }
    for (const node of this.nodes) {
      const machine = node.running?.machine;
      for (const group of node.running?.host.groups() ?? [])
        this.oracle.expectAll(group, (key) => machine?.read(group, key)?.index ?? 0);
    }
  }

  /** What a whole cluster would not lack. */
  #lacking(): string | undefined {
    if (this.clients.isWaiting) return 'a request is not answered';
    if (!this.map.isWhole(this.heard()))
      return `a group has not the members that it shall have: ${this.map.describe(this.heard())}`;
    for (const { shard, replicas } of this.map.map.shards) {
      const states = replicas.map(({ nodeId }) => {
        const running = this.nodes.find(({ id }) => id === nodeId)?.running;
        const raft = running?.host.status(shard).raft;
        const applied = running?.machine.applied(shard);
        // A new leader may not know yet that what the one before has acknowledged is committed.
        const rest = raft?.lastIndex === applied ? '' : ` of ${raft?.lastIndex}`;
        return `${applied}${rest}/${running?.machine.hash(shard)}`;
      });
      const isBehind = states.some((state) => state.includes(' of '));
      if (isBehind || new Set(states).size !== 1)
        return `the replicas of group ${shard} differ: ${states.join(', ')}`;
    }
    return undefined;
  }

  #outcome(error: unknown): Outcome {
    const { elections, commits, acknowledged, reads } = this.oracle.counts;
    const message =
      error instanceof Violation ? error.message : error instanceof Error ? error.stack : String(error);
    return {
      seed: this.#seed,
      steps: this.steps,
      hash: this.#hash,
      failure:
        error === undefined
          ? undefined
          : { step: this.steps, message: message ?? '', trace: [...this.#trace] },
      counts: {
        elections,
        commits,
        acknowledged,
        reads,
        'leased reads': this.leasedReads,
        snapshots: this.snapshots,
        'membership changes': this.map.changes,
        starts: this.nodes.reduce((sum, { starts }) => sum + starts, 0),
        ...this.faults.counts(),
      },
    };
  }
}
