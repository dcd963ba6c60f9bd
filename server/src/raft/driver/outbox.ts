import type { Message } from '../core/index.ts';
import type { GroupMessage, RaftLink } from '../types.ts';
import type { Replica } from './replica.ts';

/** Collects what leaves in one turn: all messages of all groups to one node are one write. */
export class Outbox {
  readonly #link: RaftLink;
  readonly #byNode = new Map<string, { readonly messages: GroupMessage[]; readonly senders: Replica[] }>();

  constructor(link: RaftLink) {
    this.#link = link;
  }

  add(replica: Replica, messages: readonly Message[]): void {
    for (const message of messages) {
      const node = replica.nodes.get(message.to);
      if (node === undefined) continue;
      let parcel = this.#byNode.get(node);
      if (parcel === undefined) this.#byNode.set(node, (parcel = { messages: [], senders: [] }));
      parcel.messages.push({ group: replica.group, message });
      parcel.senders.push(replica);
    }
  }

  /** Answers the replicas that could not send. */
  flush(): readonly Replica[] {
    const failed: Replica[] = [];
    for (const [node, { messages, senders }] of this.#byNode) {
      if (this.#link.sendRaft(node, messages)) continue;
      for (const [at, replica] of senders.entries()) {
        replica.core.reportUnreachable((messages[at] as GroupMessage).message.to);
        failed.push(replica);
      }
    }
    this.#byNode.clear();
    return failed;
  }
}
