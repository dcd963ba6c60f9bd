import { present, type Random } from '../../../base/index.ts';
import type { ConfState, Entry, Message, Raft, Ready, ReplicaId } from '../types.ts';
import { Oracle } from './oracle.ts';
import { TestNode, type TestNodeOptions } from './test-node.ts';

export type TestOptions = Partial<Omit<TestNodeOptions, 'id'>>;

const DEFAULTS: Omit<TestNodeOptions, 'id'> = {
  electionTicks: 5,
  heartbeatTicks: 1,
  preVote: true,
  checkQuorum: true,
  messageBytesMax: 1 << 20,
  messageEntriesMax: 1024,
  inflightMessagesMax: 256,
  inflightBytesMax: 1 << 24,
  uncommittedBytesMax: 1 << 24,
  committedBytesMax: 1 << 20,
};

/** A configuration that is not joint. */
export function confOf(voters: readonly ReplicaId[], learners: readonly ReplicaId[] = []): ConfState {
  return { voters, votersOutgoing: [], learners, learnersNext: [], autoLeave: false };
}

/** A group of test nodes and the messages between them; every step is watched by the oracle. */
export class Cluster {
  readonly oracle = new Oracle();
  /** Under way, in the order of sending. */
  wire: Message[] = [];
  readonly #options: TestOptions;
  readonly #random: Random;
  readonly #nodes = new Map<ReplicaId, TestNode>();
  #ascending: readonly TestNode[] = [];

  constructor(options: TestOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Ascending. */
  get nodes(): readonly TestNode[] {
    return this.#ascending;
  }

  node(id: ReplicaId): TestNode {
    return present(this.#nodes.get(id), `node ${String(id)}`);
  }

  raft(id: ReplicaId): Raft {
    return this.node(id).raft;
  }

  /** Adds a node that starts with `confState`; a replica that joins later starts without members. */
  add(id: ReplicaId, confState: ConfState): TestNode {
    const node = new TestNode({ ...DEFAULTS, ...this.#options, id }, confState, this.#random);
    this.#nodes.set(id, node);
    this.#ascending = [...this.#nodes.values()].sort((a, b) => a.id - b.id);
    return node;
  }

  turn(id: ReplicaId): Ready {
    const node = this.node(id);
    const ready = node.turn();
    const { term } = node.raft.status();
    if (ready.softState !== undefined) {
      this.oracle.sawRole(id, term, ready.softState);
      if (ready.softState.role === 'leader') this.oracle.sawLeaderLog(id, term, node.storage);
    }
    for (const entry of ready.persist?.entries ?? []) this.oracle.sawStored(entry);
    for (const entry of ready.committed) this.oracle.sawCommitted(id, term, entry);
    this.#send(ready.messages);
    return ready;
  }

  sync(id: ReplicaId): readonly Message[] {
    const messages = this.node(id).sync();
    this.#send(messages);
    return messages;
  }

  apply(id: ReplicaId): readonly Entry[] {
    return this.node(id).apply();
  }

  /** Hands `message` to its receiver, if that is running. */
  deliver(message: Message): void {
    const node = this.#nodes.get(message.to);
    if (node?.isUp === true) node.raft.step(message);
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) this.oracle.sawMessage(message);
    this.wire.push(...messages);
  }
}
