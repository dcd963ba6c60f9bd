import { invariant } from '../../../base/index.ts';
import type { Entry, Message, Persist, Ready, ReplicaId } from '../types.ts';
import { Cluster, confOf, type TestOptions } from './cluster.ts';
import { describeEntry, describeMessage, describePersist, name } from './describe.ts';

/** No story settles later than this; one that does runs in circles. */
const SETTLE_ROUNDS_MAX = 200;

/** Election timeouts are the shortest possible unless a story says otherwise: `tick` alone decides. */
const NO_CHANCE = { next: () => 0, int: () => 0 };

/** Where a story plays: a cluster, cut lines, and what was said. */
export class Stage {
  #cluster = new Cluster({}, NO_CHANCE);
  readonly #cuts = new Set<string>();
  readonly #slowApply = new Set<ReplicaId>();
  #lines: string[] = [];

  get cluster(): Cluster {
    return this.#cluster;
  }

  say(line: string): void {
    this.#lines.push(line);
  }

  takeLines(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** A new group of `voters` and `learners`; all of them start. */
  setUp(voters: readonly ReplicaId[], learners: readonly ReplicaId[], options: TestOptions): void {
    this.#cluster = new Cluster(options, NO_CHANCE);
    for (const id of [...voters, ...learners]) this.#cluster.add(id, confOf(voters, learners));
  }

  cut(from: ReplicaId, to: ReplicaId): void {
    this.#cuts.add(lineOf(from, to));
  }

  mend(from: ReplicaId, to: ReplicaId): void {
    this.#cuts.delete(lineOf(from, to));
  }

  mendAll(): void {
    this.#cuts.clear();
  }

  /** While it is on, what is committed waits for `apply`. */
  setSlowApply(id: ReplicaId, isSlow: boolean): void {
    if (isSlow) this.#slowApply.add(id);
    else this.#slowApply.delete(id);
  }

  /** One turn of `id`: messages leave, a write begins, entries are handed out to be applied. */
  turn(id: ReplicaId): void {
    const ready = this.#cluster.turn(id);
    this.#sayReady(id, ready);
    if (!this.#slowApply.has(id)) this.apply(id);
  }

  /** The oldest write of `id` is durable. */
  sync(id: ReplicaId): void {
    const messages = this.#cluster.sync(id);
    this.say(`${String(id)} has it on disk`);
    for (const message of messages) this.say(`  ${describeMessage(message)}`);
  }

  apply(id: ReplicaId): void {
    const entries = this.#cluster.apply(id);
    if (entries.length > 0) this.say(`${String(id)} applies ${describeEntries(entries)}`);
  }

  /** Delivers what matches, in the order of sending. */
  deliver(matches: (message: Message) => boolean): void {
    this.#take(matches, (message) => {
      if (this.#cuts.has(lineOf(message.from, message.to))) return;
      this.#cluster.deliver(message);
    });
  }

  /** Loses what matches. */
  drop(matches: (message: Message) => boolean): void {
    this.#take(matches, (message) => {
      this.say(`lost ${describeMessage(message)}`);
    });
  }

  /** Delivers what matches and leaves it under way as well. */
  repeat(matches: (message: Message) => boolean): void {
    for (const message of this.#cluster.wire.filter(matches)) this.#cluster.deliver(message);
  }

  /** Turns, writes and deliveries among `ids` until nothing moves. */
  settle(ids: readonly ReplicaId[]): void {
    const isHere = (message: Message): boolean => ids.includes(message.to);
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
      let hasMoved = false;
      for (const id of ids) hasMoved = this.#work(id) || hasMoved;
      hasMoved ||= this.#cluster.wire.some(isHere);
      this.deliver(isHere);
      if (!hasMoved) return;
    }
    invariant(false, 'the group settles', { rounds: SETTLE_ROUNDS_MAX });
  }

  #work(id: ReplicaId): boolean {
    const node = this.#cluster.node(id);
    if (!node.isUp) return false;
    let hasMoved = false;
    while (node.raft.hasReady() || node.writesPending > 0) {
      hasMoved = true;
      if (node.raft.hasReady()) this.turn(id);
      while (node.writesPending > 0) this.sync(id);
    }
    return hasMoved;
  }

  #take(matches: (message: Message) => boolean, use: (message: Message) => void): void {
    const { wire } = this.#cluster;
    this.#cluster.wire = wire.filter((message) => !matches(message));
    for (const message of wire.filter(matches)) use(message);
  }

  #sayReady(id: ReplicaId, ready: Ready): void {
    const { softState, messages, persist, readStates, readFailures } = ready;
    if (softState !== undefined)
      this.say(`${String(id)} is ${softState.role}, leader ${name(softState.leader)}`);
    for (const message of messages) this.say(`  ${describeMessage(message)}`);
    if (persist !== undefined) this.#sayPersist(id, persist);
    for (const read of readStates)
      this.say(
        `${String(id)} may read ${String(read.context)} at ${String(read.index)}${read.by === 'lease' ? ' by its lease' : ''}`,
      );
    for (const context of readFailures) this.say(`${String(id)} fails read ${String(context)}`);
  }

  #sayPersist(id: ReplicaId, persist: Persist): void {
    this.say(`${String(id)} writes ${describePersist(persist)}`);
  }
}

function lineOf(from: ReplicaId, to: ReplicaId): string {
  return `${String(from)}->${String(to)}`;
}

function describeEntries(entries: readonly Entry[]): string {
  return entries.map(describeEntry).join(', ');
}
