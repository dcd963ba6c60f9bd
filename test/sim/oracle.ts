import type { GroupMessage } from '../../server/src/raft/index.ts';
import type { AppliedEntry } from './machine.ts';

/** A rule of Raft, or a promise to a client, was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Committed {
  readonly term: number;
  readonly data: string;
  readonly hash: number;
}

/**
 * Knows what everybody may know about a group, and fails at the first contradiction: one leader a term, one vote a term and
 * replica over all restarts, one entry and one state an index, nothing acknowledged is lost, no read is older than what was
 * acknowledged before it began.
 */
export class Oracle {
  readonly counts = { elections: 0, commits: 0, acknowledged: 0, reads: 0 };
  readonly #committed = new Map<number, Committed[]>();
  readonly #leaders = new Map<string, number>();
  readonly #votes = new Map<string, number>();
  readonly #terms = new Map<string, { process: number; before: number; highest: number }>();
  /** Index of the newest acknowledged or read version of each key. */
  readonly #newest = new Map<string, number>();

  applied({ group, index, term, data, hash }: AppliedEntry): void {
    let committed = this.#committed.get(group);
    if (committed === undefined) this.#committed.set(group, (committed = []));
    const known = committed[index];
    if (known === undefined) {
      const before = committed[index - 1];
      if (before !== undefined && before.term > term)
        throw new Violation(`group ${group}: the term falls at committed entry ${index}`);
      committed[index] = { term, data, hash };
      this.counts.commits += 1;
      return;
    }
    if (known.term !== term || known.data !== data)
      throw new Violation(
        `group ${group}: entry ${index} is '${data}' of term ${term} here, and was '${known.data}' of term ${known.term}`,
      );
    if (known.hash !== hash) throw new Violation(`group ${group}: the states at entry ${index} differ`);
  }

  /** The term of the last entry that was committed before `term`; undefined when there is none. */
  lastCommittedBefore(
    group: number,
    term: number,
  ): { readonly index: number; readonly term: number } | undefined {
    const committed = this.#committed.get(group) ?? [];
    for (let index = committed.length - 1; index > 0; index -= 1) {
      const entry = committed[index];
      if (entry !== undefined && entry.term < term) return { index, term: entry.term };
    }
    return undefined;
  }

  leads(group: number, term: number, replica: number): void {
    const key = `${group}/${term}`;
    const known = this.#leaders.get(key);
    if (known !== undefined && known !== replica)
      throw new Violation(`group ${group}: ${known} and ${replica} both lead in term ${term}`);
    if (known === undefined) this.counts.elections += 1;
    this.#leaders.set(key, replica);
  }

  /** Everything that leaves a process. */
  sent({ group, message }: GroupMessage, process: number): void {
    this.#checkTerm(group, message, process);
    const isVote = message.type === 'vote' || (message.type === 'voteResponse' && !message.reject);
    if (!isVote) return;
    const choice = message.type === 'vote' ? message.from : message.to;
    const key = `${group}/${message.term}/${message.from}`;
    const known = this.#votes.get(key);
    if (known !== undefined && known !== choice)
      throw new Violation(
        `group ${group}: ${message.from} voted for ${known} and ${choice} in term ${message.term}`,
      );
    this.#votes.set(key, choice);
  }

  /**
   * After a restart a replica shows no term below one that it has shown before; a pre-vote tells of a term that is not its
   * own. Within one process the messages to several nodes leave in no order.
   */
  #checkTerm(group: number, { type, from: replica, term }: GroupMessage['message'], process: number): void {
    if (type === 'preVote' || type === 'preVoteResponse') return;
    const key = `${group}/${replica}`;
    const known = this.#terms.get(key) ?? { process, before: 0, highest: 0 };
    const before = known.process === process ? known.before : known.highest;
    if (term < before)
      throw new Violation(
        `group ${group}: ${replica} shows term ${term} in a ${type}, and showed ${before} before`,
      );
    this.#terms.set(key, { process, before, highest: Math.max(known.highest, term) });
  }

  acknowledged(group: number, index: number, data: string): void {
    this.counts.acknowledged += 1;
    const known = this.#committed.get(group)?.[index];
    if (known?.data !== `normal${data}`)
      throw new Violation(
        `group ${group}: '${data}' was acknowledged at ${index}, where '${known?.data ?? 'nothing'}' is committed`,
      );
    this.#see(group, data.split('=')[0] as string, index);
  }

  /** What a read of the key that begins now must see at least. */
  newest(group: number, key: string): number {
    return this.#newest.get(`${group}/${key}`) ?? 0;
  }

  /** A strong read gave the version of entry `index` (0: none) and had to give `atLeast` or a later one. */
  read(group: number, key: string, o: { readonly index: number; readonly atLeast: number }): void {
    this.counts.reads += 1;
    if (o.index < o.atLeast)
      throw new Violation(
        `group ${group}: a read of ${key} gave entry ${o.index}, although ${o.atLeast} was there before it began`,
      );
    this.#see(group, key, o.index);
  }

  /** Every key as the last acknowledged or read write left it, or a later one. */
  expectAll(group: number, read: (key: string) => number): void {
    for (const [name, index] of this.#newest) {
      const [of, key] = name.split('/') as [string, string];
      if (Number(of) === group && read(key) < index)
        throw new Violation(`group ${group}: entry ${index} of ${key} was acknowledged and is lost`);
    }
  }

  #see(group: number, key: string, index: number): void {
    const name = `${group}/${key}`;
    this.#newest.set(name, Math.max(this.#newest.get(name) ?? 0, index));
  }
}
