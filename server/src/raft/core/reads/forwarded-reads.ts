interface ForwardedRead {
  readonly context: number;
  /** Names the read on the wire. */
  readonly wireContext: number;
  readonly deadline: number;
}

export interface ForwardedReadsOptions {
  readonly pendingMax: number;
  /** Ticks until an unanswered read fails: the question or the answer was lost. */
  readonly timeoutTicks: number;
  /**
   * First name on the wire. Random, so that an answer to a read from before a restart is not taken for the answer to a
   * later one: it would be stale.
   */
  readonly wireOrigin: number;
}

/** Reads that a follower has passed on to its leader, oldest first. */
export class ForwardedReads {
  readonly #options: ForwardedReadsOptions;
  #pending: ForwardedRead[] = [];
  #nextWireContext: number;
  #ticks = 0;

  constructor(options: ForwardedReadsOptions) {
    this.#options = options;
    this.#nextWireContext = options.wireOrigin;
  }

  get isFull(): boolean {
    return this.#pending.length >= this.#options.pendingMax;
  }

  /** Answers the name under which the read goes to the leader. */
  add(context: number): number {
    const wireContext = this.#nextWireContext;
    this.#nextWireContext += 1;
    this.#pending.push({ context, wireContext, deadline: this.#ticks + this.#options.timeoutTicks });
    return wireContext;
  }

  /** The context of the read that was answered; undefined when it is not waited for any more. */
  take(wireContext: number): number | undefined {
    const at = this.#pending.findIndex((read) => read.wireContext === wireContext);
    return at < 0 ? undefined : this.#pending.splice(at, 1)[0]?.context;
  }

  /** One tick later; answers the context of one read that waited too long, to be called until undefined. */
  tick(): void {
    if (this.#pending.length > 0) this.#ticks += 1;
  }

  takeExpired(): number | undefined {
    const oldest = this.#pending[0];
    if (oldest === undefined || oldest.deadline > this.#ticks) return undefined;
    this.#pending.shift();
    return oldest.context;
  }

  /** Forgets every read and answers their contexts. */
  drain(): readonly number[] {
    const contexts = this.#pending.map((read) => read.context);
    this.#pending = [];
    return contexts;
  }
}
