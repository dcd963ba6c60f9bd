import { invariant, type Random } from '../../../base/index.ts';
import type { ConfChangeStep, Message, ReplicaId } from '../types.ts';
import { Cluster, confOf } from './cluster.ts';
import type { TestNode } from './test-node.ts';

/** How often things go wrong in one run; each run draws its own. */
interface Faults {
  readonly loss: number;
  readonly repeat: number;
  readonly crash: number;
  readonly cut: number;
  /** The group falls into two halves. */
  readonly split: number;
}

export interface SimulationOptions {
  readonly random: Random;
  readonly steps: number;
}

/** What happened, so that nobody believes in a fault that did not occur. */
export interface SimulationCounts {
  elections: number;
  commits: number;
  crashes: number;
  losses: number;
  repeats: number;
  cuts: number;
  splits: number;
  confChanges: number;
  snapshots: number;
  readsServed: number;
}

/** How many replicas found the group, and how many there are: the others may be brought in by changes. */
const SIZES = [
  { founders: 3, all: 3 },
  { founders: 5, all: 5 },
  { founders: 3, all: 5 },
] as const;
/** More messages under way than this are lost: the oldest first. */
const WIRE_MAX = 400;
/** Chance, at each step, that a split group comes together again. */
const SPLIT_END = 0.0012;
/** With nothing broken any more, the group agrees within this many rounds. */
const HEALING_ROUNDS_MAX = 600;

/**
 * A group under random faults: messages are lost, repeated and delivered in any order, nodes lose power and restart, lines
 * are cut, logs are compacted, members change. The oracle of the cluster judges every step; afterwards everything is mended
 * and the group has to commit again.
 */
export class Simulation {
  readonly counts: SimulationCounts = {
    elections: 0,
    commits: 0,
    crashes: 0,
    losses: 0,
    repeats: 0,
    cuts: 0,
    splits: 0,
    confChanges: 0,
    snapshots: 0,
    readsServed: 0,
  };
  readonly #random: Random;
  readonly #steps: number;
  readonly #faults: Faults;
  readonly #cluster: Cluster;
  readonly #ids: readonly ReplicaId[];
  readonly #cuts = new Set<string>();
  /** Replicas of one half, while the group is split. */
  #half: readonly ReplicaId[] = [];
  /** What was committed when the read was asked for, by context. */
  readonly #reads = new Map<number, number>();
  #nextContext = 1;
  #nextCommand = 1;

  constructor(options: SimulationOptions) {
    const { random } = options;
    this.#random = random;
    this.#steps = options.steps;
    // Half of the classes stay away from a run: some errors show only where others do not get in the way.
    const drawn = (most: number): number => (random.next() < 0.5 ? 0 : random.next() * most);
    this.#faults = {
      loss: drawn(0.3),
      repeat: drawn(0.3),
      crash: drawn(0.008),
      cut: drawn(0.01),
      split: drawn(0.01),
    };
    this.#cluster = new Cluster(
      {
        electionTicks: 3 + random.int(5),
        preVote: random.next() < 0.7,
        checkQuorum: random.next() < 0.7,
        inflightMessagesMax: 1 + random.int(8),
        messageEntriesMax: 1 + random.int(8),
        committedBytesMax: 1 + random.int(200),
        uncommittedBytesMax: 100 + random.int(200),
      },
      random,
    );
    const size = SIZES[random.int(SIZES.length)] ?? SIZES[0];
    const founders = idsTo(size.founders);
    this.#ids = idsTo(size.all);
    for (const id of this.#ids) this.#cluster.add(id, confOf(id <= size.founders ? founders : []));
  }

  /** Runs it; throws when a guarantee is broken. */
  run(): SimulationCounts {
    for (let step = 0; step < this.#steps; step += 1) this.#step();
    this.#heal();
    this.counts.commits = this.#cluster.oracle.committedIndex;
    return this.counts;
  }

  #step(): void {
    if (this.#random.next() < this.#faults.crash) this.#crash();
    if (this.#random.next() < this.#faults.cut) this.#cut();
    if (this.#random.next() < (this.#half.length > 0 ? SPLIT_END : this.#faults.split)) this.#split();
    const node = this.#pick(this.#cluster.nodes);
    if (node === undefined) return;
    if (!node.isUp) {
      if (this.#random.next() < 0.05) node.start();
      return;
    }
    this.#act(node);
  }

  /** One thing that one node does; deliveries are the most frequent. */
  #act(node: TestNode): void {
    const dice = this.#random.int(100);
    if (dice < 42) this.#deliver();
    else if (dice < 59) this.#turn(node);
    else if (dice < 73) this.#sync(node);
    else if (dice < 78) node.apply();
    else if (dice < 89) node.raft.tick();
    else if (dice < 94) this.#propose(this.#pick(this.#leaders()) ?? node);
    else if (dice < 97) this.#read(this.#pick(this.#leaders()) ?? node);
    else this.#rarely(node);
  }

  /** Those that believe to be; with a split there may be two. */
  #leaders(): readonly TestNode[] {
    return this.#cluster.nodes.filter((node) => node.isUp && node.role === 'leader');
  }

  #rarely(node: TestNode): void {
    const dice = this.#random.int(10);
    if (dice < 2) this.#changeConf(this.#pick(this.#leaders()) ?? node);
    else if (dice < 3) node.raft.transferLeader(this.#any());
    else if (dice < 4) node.raft.forgetLeader();
    else if (dice < 5) node.raft.reportUnreachable(this.#any());
    else if (dice < 6) node.raft.reportSnapshot(this.#any(), this.#random.next() < 0.5);
    else if (dice < 8) this.#shuffleMemory(node);
    else if (dice < 9) node.flush();
    else node.compact();
  }

  #turn(node: TestNode): void {
    if (!node.raft.hasReady()) return;
    const ready = this.#cluster.turn(node.id);
    if (ready.softState?.role === 'leader') this.counts.elections += 1;
    if (ready.persist?.snapshot !== undefined) this.counts.snapshots += 1;
    for (const { context, index } of ready.readStates) {
      const floor = this.#reads.get(context) ?? 0;
      invariant(index >= floor, 'a read sees what was committed before it', { context, index, floor });
      this.counts.readsServed += 1;
    }
    while (this.#cluster.wire.length > WIRE_MAX) this.#cluster.wire.shift();
  }

  #sync(node: TestNode): void {
    if (node.writesPending > 0) this.#cluster.sync(node.id);
  }

  #deliver(): void {
    const { wire } = this.#cluster;
    if (wire.length === 0) return;
    // Mostly the oldest, so that something gets done; else any.
    const at = this.#random.next() < 0.6 ? 0 : this.#random.int(wire.length);
    const [message] = wire.splice(at, 1);
    if (message === undefined || this.#isLost(message)) return;
    if (this.#random.next() < this.#faults.repeat) {
      this.counts.repeats += 1;
      wire.push(message);
    }
    this.#cluster.deliver(message);
  }

  #isLost(message: Message): boolean {
    const isLost =
      this.#cuts.has(`${String(message.from)}->${String(message.to)}`) ||
      this.#half.includes(message.from) !== this.#half.includes(message.to) ||
      this.#random.next() < this.#faults.loss;
    if (isLost) this.counts.losses += 1;
    return isLost;
  }

  #propose(node: TestNode): void {
    const command = Buffer.from(`c${String(this.#nextCommand)}`);
    if (node.raft.propose([command]).kind === 'accepted') this.#nextCommand += 1;
  }

  #read(node: TestNode): void {
    this.#reads.set(this.#nextContext, this.#cluster.oracle.committedIndex);
    node.raft.readIndex(this.#nextContext);
    this.#nextContext += 1;
  }

  #changeConf(node: TestNode): void {
    const types = ['addVoter', 'addLearner', 'remove'] as const;
    const steps: ConfChangeStep[] = [];
    for (let count = this.#random.int(3); count >= 0; count -= 1) {
      steps.push({
        type: types[this.#random.int(3)] ?? 'addVoter',
        replica: this.#any(),
      });
    }
    // Enough voters stay that crashes do not decide whether anything is committed.
    const removed = new Set(steps.filter((step) => step.type !== 'addVoter').map((step) => step.replica));
    const { voters } = node.raft.status().confState;
    if (voters.filter((id) => !removed.has(id)).length < 2) return;
    const result = node.raft.proposeConfChange({ transition: 'auto', steps, context: Buffer.alloc(0) });
    if (result.kind === 'accepted') this.counts.confChanges += 1;
  }

  #shuffleMemory(node: TestNode): void {
    for (const replica of node.storage.load()) node.raft.entriesLoaded(replica);
    if (this.#random.next() < 0.5) node.storage.evictBelow(node.storage.lastIndex() - this.#random.int(5));
  }

  #crash(): void {
    const node = this.#pick(this.#random.next() < 0.5 ? this.#leaders() : this.#cluster.nodes);
    if (node?.isUp !== true) return;
    this.counts.crashes += 1;
    // Some of what was being written may have reached the disk, in order.
    for (let kept = this.#random.int(node.writesPending + 1); kept > 0; kept -= 1) node.storeOldestWrite();
    node.crash();
  }

  #cut(): void {
    if (this.#random.next() < 0.5) {
      this.#cuts.clear();
      return;
    }
    this.counts.cuts += 1;
    this.#cuts.add(`${String(this.#any())}->${String(this.#any())}`);
  }

  #split(): void {
    if (this.#half.length > 0) {
      this.#half = [];
      return;
    }
    this.counts.splits += 1;
    const leader = this.#pick(this.#leaders());
    // A leader with too few others is what most guarantees are about.
    this.#half = this.#ids.filter((id) => id === leader?.id || this.#random.next() < 0.3);
  }

  /** Everything works again: the group elects, commits something new, and every member has it. */
  #heal(): void {
    this.#cuts.clear();
    this.#half = [];
    for (const node of this.#cluster.nodes) if (!node.isUp) node.start();
    const before = this.#cluster.oracle.committedIndex;
    for (let round = 0; round < HEALING_ROUNDS_MAX; round += 1) {
      this.#healingRound();
      if (this.#isHealed(before)) return;
    }
    invariant(false, 'a mended group commits again', {
      before,
      committed: this.#cluster.oracle.committedIndex,
      nodes: this.#cluster.nodes.map((node) => node.raft.status()),
    });
  }

  #healingRound(): void {
    for (const node of this.#cluster.nodes) {
      node.raft.tick();
      node.apply();
      for (const replica of node.storage.load()) node.raft.entriesLoaded(replica);
      if (node.raft.status().role === 'leader') {
        // One at a time: a follower behind a narrow window would never catch up otherwise.
        if (node.applied === node.raft.status().lastIndex) this.#propose(node);
        // Followers that were added need a snapshot, which a log that was never compacted does not have.
        node.compact();
        for (const { replica } of node.raft.status().progress) node.raft.reportSnapshot(replica, false);
      }
      while (node.raft.hasReady() || node.writesPending > 0) {
        this.#turn(node);
        this.#sync(node);
        node.apply();
      }
    }
    const { wire } = this.#cluster;
    this.#cluster.wire = [];
    for (const message of wire) this.#cluster.deliver(message);
  }

  #isHealed(before: number): boolean {
    const leader = this.#cluster.nodes.find((node) => node.raft.status().role === 'leader');
    if (leader === undefined || leader.applied <= before + 1) return false;
    const { voters, votersOutgoing } = leader.confState;
    return votersOutgoing.length === 0 && voters.every((id) => this.#cluster.node(id).applied > before + 1);
  }

  #any(): ReplicaId {
    return 1 + this.#random.int(this.#ids.length);
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[this.#random.int(values.length)];
  }
}

function idsTo(count: number): ReplicaId[] {
  return Array.from({ length: count }, (_none, at) => at + 1);
}
