import { GrapeError, invariant, present } from '../../base/index.ts';
import type { Entry } from '../core/index.ts';
import type { Proposal } from '../types.ts';

/** Bytes of commands of one group that wait or are in the log without being applied. */
export const GROUP_PROPOSAL_BYTES_MAX = 64 * 2 ** 20;
/** The same for all groups of the node. */
export const NODE_PROPOSAL_BYTES_MAX = 256 * 2 ** 20;
/** Proposals of one group that wait or are in the log without being applied. */
const GROUP_PROPOSALS_MAX = 65_536;
/** Bytes of one command. */
export const COMMAND_BYTES_MAX = 16 * 2 ** 20;

/** Shared by the groups of a node. */
export interface ProposalBudget {
  bytes: number;
}

interface Pending {
  readonly command: Buffer;
  readonly sinceMs: number;
  readonly resolve: (value: { index: number; result: unknown }) => void;
  readonly reject: (error: Error) => void;
  /** May be in a log. */
  proposed: boolean;
  settled: boolean;
}

/** Proposals that one call of the core accepted: entry `firstIndex + i` of `term` is `items[i]`. */
interface Span {
  readonly firstIndex: number;
  readonly term: number;
  readonly items: readonly Pending[];
  open: number;
}

/** The proposals of one group: first in, first out to the core, then tracked by (index, term) until applied. */
export class GroupProposals {
  readonly #budget: ProposalBudget;
  readonly #onApplied: (sinceMs: number) => void;
  #waiting: Pending[] = [];
  #spans: Span[] = [];
  #count = 0;
  #bytes = 0;

  constructor(budget: ProposalBudget, onApplied: (sinceMs: number) => void) {
    this.#budget = budget;
    this.#onApplied = onApplied;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** `command` is not empty: an entry without data is the no-op of a new leader. */
  add(command: Buffer, nowMs: number): Proposal {
    invariant(command.length > 0, 'a command is not empty');
    const refusal = this.#refusalFor(command);
    if (refusal !== undefined) return refusedProposal(refusal);
    const { promise, resolve, reject } = Promise.withResolvers<{ index: number; result: unknown }>();
    const pending: Pending = { command, sinceMs: nowMs, resolve, reject, proposed: false, settled: false };
    this.#waiting.push(pending);
    this.#count += 1;
    this.#bytes += command.length;
    this.#budget.bytes += command.length;
    return {
      promise,
      get proposed() {
        return pending.proposed;
      },
      cancel: () => this.#cancel(pending),
    };
  }

  /** The oldest waiting commands, at least one, as many as fit into `bytesMax`. */
  peek(bytesMax: number): Buffer[] {
    const commands: Buffer[] = [];
    let bytes = 0;
    for (const { command } of this.#waiting) {
      bytes += command.length;
      if (bytes > bytesMax && commands.length > 0) break;
      commands.push(command);
    }
    return commands;
  }

  /** The core accepted the oldest `count` waiting commands. */
  accepted(count: number, position: { readonly firstIndex: number; readonly term: number }): void {
    const items = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const item of items) item.proposed = true;
    this.#spans.push({ ...position, items, open: count });
  }

  /** Nothing that waits was proposed or will be. */
  refuseWaiting(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pending of waiting) this.#settle(pending, () => pending.reject(error));
  }

  /**
   * The entries were applied, with their results. An entry of another term at the index of a proposal is proof that it
   * never will be; without such proof a proposal keeps waiting, also across changes of leader: another leader may
   * still hold it and commit it.
   */
  applied(entries: readonly Entry[], results: readonly unknown[]): void {
    if (this.#spans.length === 0 || entries.length === 0) return;
    const first = present(entries[0], 'the first applied entry').index;
    for (const span of this.#spans) {
      const from = Math.max(span.firstIndex, first);
      const to = Math.min(span.firstIndex + span.items.length, first + entries.length);
      for (let index = from; index < to; index += 1) {
        const at = index - first;
        this.#finish(span, present(entries[at], 'an applied entry'), results[at]);
      }
    }
    this.#spans = this.#spans.filter((span) => span.open > 0);
  }

  /** A snapshot up to `index` took the place of the entries: what became of them is not known. */
  overtaken(index: number): void {
    const unknown = new GrapeError('WRITE_TIMEOUT', 'a snapshot took the place of the log: outcome unknown');
    for (const span of this.#spans) {
      for (const [at, pending] of span.items.entries()) {
        if (span.firstIndex + at > index || pending.settled) continue;
        span.open -= 1;
        this.#settle(pending, () => pending.reject(unknown));
      }
    }
    this.#spans = this.#spans.filter((span) => span.open > 0);
  }

  /** The replica stops: what waits was not proposed, the outcome of the rest stays unknown. */
  close(): void {
    this.refuseWaiting(
      new GrapeError('SHARD_UNAVAILABLE', 'this replica stopped before the command was proposed'),
    );
    const spans = this.#spans;
    this.#spans = [];
    const unknown = new GrapeError('WRITE_TIMEOUT', 'this replica stopped before the outcome was known');
    for (const pending of spans.flatMap((span) => span.items)) {
      if (!pending.settled) this.#settle(pending, () => pending.reject(unknown));
    }
  }

  #finish(span: Span, entry: Entry, result: unknown): void {
    const pending = present(span.items[entry.index - span.firstIndex], 'a proposal of the span');
    if (pending.settled) return;
    span.open -= 1;
    if (entry.term === span.term) {
      this.#settle(pending, () => pending.resolve({ index: entry.index, result }));
      this.#onApplied(pending.sinceMs);
      return;
    }
    const lost = new GrapeError(
      'SHARD_UNAVAILABLE',
      'the leader changed and another entry took the place of this one',
    );
    this.#settle(pending, () => pending.reject(lost));
  }

  #cancel(pending: Pending): boolean {
    if (pending.proposed || pending.settled) return false;
    this.#waiting.splice(this.#waiting.indexOf(pending), 1);
    const error = new GrapeError('SHARD_UNAVAILABLE', 'the command was taken back before it was proposed');
    this.#settle(pending, () => pending.reject(error));
    return true;
  }

  #settle(pending: Pending, answer: () => void): void {
    invariant(!pending.settled, 'a proposal is answered once');
    pending.settled = true;
    this.#count -= 1;
    this.#bytes -= pending.command.length;
    this.#budget.bytes -= pending.command.length;
    answer();
  }

  #refusalFor(command: Buffer): Error | undefined {
    if (command.length > COMMAND_BYTES_MAX) {
      return new GrapeError(
        'PAYLOAD_TOO_LARGE',
        `a command of ${command.length} bytes; at most ${COMMAND_BYTES_MAX}`,
      );
    }
    const isFull =
      this.#count >= GROUP_PROPOSALS_MAX ||
      this.#bytes + command.length > GROUP_PROPOSAL_BYTES_MAX ||
      this.#budget.bytes + command.length > NODE_PROPOSAL_BYTES_MAX;
    return isFull
      ? new GrapeError('TOO_MANY_REQUESTS', 'too many writes are waiting for the log')
      : undefined;
  }
}

/** A proposal that is surely in no log. */
export function refusedProposal(error: Error): Proposal {
  const promise = Promise.reject(error);
  return { promise, proposed: false, cancel: () => false };
}

/** Nothing is appended while the disk is full. */
export function noRoom(): GrapeError {
  return new GrapeError('STORAGE_FULL', 'the disk of this node is full');
}
