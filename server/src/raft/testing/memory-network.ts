import type { GroupMessage, RaftLink } from '../types.ts';
import { decodeMessages, encodeMessages } from '../transport/message-codec.ts';

type Listener = (fromNode: string, messages: readonly GroupMessage[]) => void;

/** Decides about every message; false: lost. */
export type Filter = (from: string, to: string, message: GroupMessage) => boolean;

/** A network in memory: delivers in order, in a later turn of the event loop, through the real encoding. */
export class MemoryNetwork {
  filter: Filter = () => true;
  /** Everything delivered, newest last. */
  readonly log: { readonly from: string; readonly to: string; readonly message: GroupMessage }[] = [];
  readonly #listeners = new Map<string, Listener>();

  link(node: string): RaftLink {
    return {
      sendRaft: (to, messages) => this.#send(node, to, messages),
      onRaft: (listener) => this.#listeners.set(node, listener),
    };
  }

  unplug(node: string): void {
    this.#listeners.delete(node);
  }

  /** Nothing passes to or from `node` any more. */
  isolate(node: string): void {
    this.filter = (from, to) => from !== node && to !== node;
  }

  heal(): void {
    this.filter = () => true;
  }

  #send(from: string, to: string, messages: readonly GroupMessage[]): boolean {
    if (!this.#listeners.has(to)) return false;
    const listener = this.#listeners.get(to);
    const passed = messages.filter((message) => this.filter(from, to, message));
    for (const message of passed) this.log.push({ from, to, message });
    const bytes = encodeMessages(passed);
    setImmediate(() => {
      // A node that was restarted meanwhile does not get what was meant for the one before.
      if (this.#listeners.get(to) === listener) listener?.(from, decodeMessages(bytes));
    });
    return true;
  }
}
