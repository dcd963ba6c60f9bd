import type { LogCopy, SimNode } from './node.ts';
import { type Fault, FAULTS, isStanding } from './swarm.ts';
import type { World } from './world.ts';

/** Longest time that a fault lasts. */
const LASTING_MS = 1_500;
/** Longest time between two faults. */
const BETWEEN_MS = 250;
/** Longest time between a change and the fault that waits for it: a few messages and writes. */
const AMBUSH_MS = 40;
/** Share of the restarts that every group can bear it in, in a seed with wipes, in which the disk is a new one. */
const WIPED_RESTARTS = 0.3;
/** Longest time until a process that goes on has read its sockets. */
const READING_MS = 3;
/** A node that has run for so long has told what it has lost. */
const JUDGED_MS = 100;

/** Does to a cluster what the seed has drawn, until it is healed. */
export class Faults {
  isHealed = false;
  readonly #world: World;
  readonly #counts = new Map<Fault, number>();
  /** Who stands still, and how it is told when it goes on. */
  readonly #paused = new Map<SimNode, () => void>();
  /** Copies of Raft logs, as they were a while ago. */
  readonly #copies = new Map<SimNode, LogCopy>();
  /** Have lost something that may not be replaced yet. */
  readonly #suspects = new Set<SimNode>();
  readonly #startedMs = new Map<SimNode, number>();
  /** Being started. */
  readonly #starting = new Set<SimNode>();

  constructor(world: World) {
    this.#world = world;
  }

  isPaused(node: SimNode): boolean {
    return this.#paused.has(node);
  }

  counts(): Record<string, number> {
    const { lost, replayed, brokenRequests } = this.#world.network.counts;
    const all = Object.fromEntries(FAULTS.map((fault) => [`fault: ${fault}`, this.#counts.get(fault) ?? 0]));
    return {
      ...all,
      'fault: loss': lost,
      'fault: replay': replayed,
      'fault: broken transfer': brokenRequests,
    };
  }

  begin(): void {
    const { events, random, network, swarm } = this.#world;
    const has = (fault: Fault): boolean => swarm.faults.has(fault);
    if (has('loss')) network.mood.loss = random.next() * 0.3;
    if (has('replay')) network.mood.replay = random.next() * 0.5;
    if (has('delay')) network.mood.delayMs = 5 + random.next() * 60;
    if (has('broken transfer')) network.mood.breaking = random.next() * 0.3;
    for (const lasting of ['delay', 'slow apply'] as const) if (has(lasting)) this.#count(lasting);
    const next = (): void => {
      if (this.isHealed) return;
      this.#inject();
      events.after(10 + random.next() * BETWEEN_MS, next);
    };
    events.after(100, next);
  }

  /** The worst moments are those just after a node has come to lead, or has begun to change the members of a group. */
  ambush(node: SimNode): void {
    const { events, random, swarm } = this.#world;
    if (this.isHealed || !swarm.faults.has('ambush') || random.next() < 0.5) return;
    events.after(random.next() * AMBUSH_MS, () => {
      if (this.isHealed) return;
      const isHit = random.next() < 0.5 ? this.#crash(node) : this.#cut(node, random.next() < 0.7);
      if (!isHit) return;
      this.#count('ambush');
      this.#world.note(`ambush: ${node.id}`);
    });
  }

  /** The process of a node has ended because of its disk. */
  died(node: SimNode): void {
    this.#world.note(`${node.id} ends: its disk has failed`);
    this.#end(node);
    this.#startLater(node);
  }

  /** No more faults: what was broken works, who was down is up. */
  async heal(): Promise<void> {
    const { nodes, network } = this.#world;
    this.isHealed = true;
    this.#world.note('healed');
    network.cuts.clear();
    Object.assign(network.mood, { loss: 0, replay: 0, delayMs: 5, breaking: 0 });
    for (const node of nodes) {
      Object.assign(node.mood, { slowMs: 2, failing: 0, isFull: false });
      this.#resume(node);
      if (node.running === undefined) await this.#start(node);
    }
  }

  #inject(): void {
    const { random, swarm, nodes } = this.#world;
    const drawn = [...swarm.faults];
    const fault = drawn[random.int(Math.max(1, drawn.length))];
    const node = nodes[random.int(nodes.length)];
    if (fault === undefined || node === undefined) return;
    if (this.#do(fault, node)) {
      this.#count(fault);
      this.#world.note(`${fault}: ${node.id}`);
    }
  }

  /** False when it cannot happen now. */
  #do(fault: Fault, node: SimNode): boolean {
    // It lasts as long as the seed, or waits for its moment.
    if (isStanding(fault)) return false;
    switch (fault) {
      case 'partition':
        return this.#cut(node, true);
      case 'one-way cut':
        return this.#cut(node, false);
      case 'pause':
        return this.#pause(node, (ms) => node.advance(ms));
      case 'suspend':
        return this.#pause(node, (ms) => node.clock.suspend(ms));
      case 'crash':
        return this.#crash(node);
      case 'power loss':
        return this.#losePower();
      case 'failing sync':
        return this.#mood(node, { failing: 0.2 });
      case 'full disk':
        return this.#mood(node, { isFull: true });
      case 'slow disk':
        return this.#mood(node, { slowMs: 80 });
      case 'corruption':
      case 'lost tail':
      case 'wipe':
        return this.#lose(fault, node);
      case 'replacement':
        return this.#replace();
      case 'transfer':
        return this.#transfer(node);
      case 'clock jump':
        return this.#jump(node);
    }
  }

  #cut(node: SimNode, isBoth: boolean): boolean {
    const { network, nodes, events, random } = this.#world;
    const others = nodes.filter((other) => other !== node && random.next() < 0.7);
    const isIncoming = random.next() < 0.5;
    const cuts = others.flatMap((other) => {
      const [to, from] = [`${node.id}>${other.id}`, `${other.id}>${node.id}`];
      return isBoth ? [to, from] : [isIncoming ? from : to];
    });
    for (const cut of cuts) network.cuts.add(cut);
    events.after(random.next() * LASTING_MS, () => {
      for (const cut of cuts) network.cuts.delete(cut);
    });
    return cuts.length > 0;
  }

  /** The process stands still, and hears of the time that has passed when it goes on. */
  #pause(node: SimNode, hear: (pausedMs: number) => void): boolean {
    const { network, events, random } = this.#world;
    if (this.#paused.has(node) || node.running === undefined) return false;
    const fromMs = events.nowMs;
    this.#paused.set(node, () => hear(events.nowMs - fromMs));
    network.hold(node.id);
    events.after(random.next() * LASTING_MS, () => this.#resume(node));
    return true;
  }

  #resume(node: SimNode): void {
    const hear = this.#paused.get(node);
    if (hear === undefined) return;
    this.#paused.delete(node);
    // Its timers are due at once; what came in waits in the sockets, perhaps behind the requests of clients.
    hear();
    const { events, network, random } = this.#world;
    events.after(random.next() * READING_MS, () => {
      if (!this.#paused.has(node)) network.release(node.id);
    });
  }

  #crash(node: SimNode): boolean {
    if (node.running === undefined) return false;
    this.#end(node);
    this.#startLater(node);
    return true;
  }

  /** All of them at once; who comes back sees what was synced. */
  #losePower(): boolean {
    if (this.#world.random.next() < 0.7) return false;
    return this.#world.nodes.filter((node) => this.#crash(node)).length > 0;
  }

  #mood(node: SimNode, mood: Partial<SimNode['mood']>): boolean {
    const { events, random } = this.#world;
    Object.assign(node.mood, mood);
    events.after(random.next() * LASTING_MS, () =>
      Object.assign(node.mood, { slowMs: 2, failing: 0, isFull: false }),
    );
    return true;
  }

  /** A disk loses what it must not: only while every group can bear it. */
  #lose(fault: 'corruption' | 'lost tail' | 'wipe', node: SimNode): boolean {
    const { random } = this.#world;
    if (node.running === undefined || !this.#canBearLoss()) return false;
    if (fault === 'lost tail') return this.#loseTail(node);
    this.#end(node);
    this.#damage(node, () => (fault === 'wipe' ? node.wipe() : node.corrupt()));
    this.#startLater(node, random.next() * 300);
    return true;
  }

  /** Nothing is started on the disk before it is done; what it costs the groups shows when the node runs again. */
  #damage(node: SimNode, damage: () => unknown): void {
    this.#suspects.add(node);
    this.#starting.add(node);
    void Promise.resolve(damage()).then(() => this.#starting.delete(node));
  }

  /** The Raft log goes back to a copy; the floor beside it does not. */
  #loseTail(node: SimNode): boolean {
    const copy = this.#copies.get(node);
    this.#end(node);
    this.#startLater(node);
    if (copy === undefined) {
      this.#starting.add(node);
      void node.copyLog().then((taken) => {
        this.#copies.set(node, taken);
        this.#starting.delete(node);
      });
      return false;
    }
    this.#copies.delete(node);
    // What was written since the floor was, nobody could miss here: that is what the others remember (incarnations.ts).
    if (!node.isBelowFloor(copy)) return false;
    this.#damage(node, () => node.loseTail(copy.log));
    return true;
  }

  /**
   * No group has lost a replica that is not replaced yet. Who is cut off, stands still or is down comes back; `lost` is
   * down, and would be who does not.
   */
  #canBearLoss(lost?: SimNode): boolean {
    for (const node of this.#suspects) if (this.#isCleared(node)) this.#suspects.delete(node);
    return (
      this.#suspects.size === 0 && this.#world.map.isWhole(this.#world.heard()) && this.#haveAllApplied(lost)
    );
  }

  /** As long as others than the leader hold on to the configuration before, they need those whom it has removed. */
  #haveAllApplied(lost: SimNode | undefined): boolean {
    const { map, nodes } = this.#world;
    return map.map.shards.every(({ shard, replicas }) =>
      replicas.every(({ nodeId, replicaId }) => {
        if (nodeId === lost?.id) return true;
        const host = nodes.find(({ id }) => id === nodeId)?.running?.host;
        if (host?.groups().includes(shard) !== true) return false;
        const { raft, configurationIndex, durableConfigurationIndex } = host.status(shard);
        const { id, confState } = raft;
        const { voters, votersOutgoing } = confState;
        const isFinal =
          voters.length === replicas.length &&
          votersOutgoing.length === 0 &&
          durableConfigurationIndex === configurationIndex;
        return id === replicaId && isFinal && replicas.every((replica) => voters.includes(replica.replicaId));
      }),
    );
  }

  /** It has run long enough to tell what it has lost, and what it has lost is replaced. */
  #isCleared(node: SimNode): boolean {
    const ranMs = this.#world.events.nowMs - (this.#startedMs.get(node) ?? 0);
    const groups = node.status()?.groups;
    return groups !== undefined && ranMs > JUDGED_MS && groups.every(({ isDamaged }) => !isDamaged);
  }

  /** Another replica in the place of one that is well. */
  #replace(): boolean {
    const { random, map, swarm } = this.#world;
    if (!this.#canBearLoss()) return false;
    const group = random.int(swarm.groups);
    const replicas = map.map.shards[group]?.replicas ?? [];
    const replicaId = replicas[random.int(replicas.length)]?.replicaId;
    if (replicaId === undefined) return false;
    map.apply({ kind: 'replaceReplica', group, replicaId });
    return true;
  }

  #transfer(node: SimNode): boolean {
    const { random, swarm, nodes } = this.#world;
    const group = random.int(swarm.groups);
    const to = nodes[random.int(nodes.length)];
    const host = node.running?.host;
    if (to === undefined || host?.groups().includes(group) !== true || !host.status(group).isLeader)
      return false;
    host.transferLeader(group, to.id);
    return true;
  }

  #jump(node: SimNode): boolean {
    node.advance(this.#world.random.next() * 2_000);
    return node.running !== undefined;
  }

  #end(node: SimNode): void {
    this.#resume(node);
    node.crash();
  }

  #startLater(node: SimNode, afterMs?: number): void {
    const { events, random } = this.#world;
    events.after(afterMs ?? random.next() * 600, () => void this.#start(node));
  }

  async #start(node: SimNode): Promise<void> {
    if (node.running !== undefined || this.#starting.has(node)) return;
    this.#starting.add(node);
    const { random, swarm, events } = this.#world;
    const isWiped = swarm.faults.has('wipe') && !this.isHealed && random.next() < WIPED_RESTARTS;
    if (isWiped && this.#canBearLoss(node)) {
      this.#count('wipe');
      this.#world.note(`wipe: ${node.id}`);
      this.#suspects.add(node);
      node.wipe();
    }
    await node.start();
    if (node.hasForgotten) {
      this.#world.note(`${node.id} is admitted with a new store`);
      this.#world.map.readmit(node.id);
      node.hasForgotten = false;
      await node.start();
    }
    this.#starting.delete(node);
    this.#startedMs.set(node, events.nowMs);
  }

  #count(fault: Fault): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
  }
}
