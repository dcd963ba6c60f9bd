import { crc32c } from '../../server/src/base/index.ts';
import type { CommittedBatch, GroupMessage } from '../../server/src/raft/index.ts';
import type { AppliedEntry } from './machine.ts';

/** A rule of Raft, or a promise to a client, was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Committed {
  readonly term: number;
  readonly data: string;
  readonly hash: number;
  /** Highest term that had a leader when it was first applied: who leads in a later one has the entry. */
  readonly seenInTerm: number;
}

/** What an index and a term name, wherever they show. */
interface Named {
  readonly crc: number;
  /** Term of the entry before it, once that is known. */
  previousTerm: number | undefined;
}

/** What a process shows of one of its replicas. */
export interface Shown {
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
}

/** More terms than a run can have. */
const TERMS = 2 ** 20;

/**
 * Knows what everybody may know about a group, and fails at the first contradiction: one leader a term, one vote a term and
 * replica over all restarts, logs that match, one entry and one state an index, leaders that have what was committed, terms and
 * commits that never fall, nothing acknowledged is lost, no read is older than what was applied anywhere before it began.
 * It looks only at what is new.
 */
export class Oracle {
  readonly counts = { elections: 0, commits: 0, acknowledged: 0, reads: 0 };
  readonly #committed = new Map<number, Committed[]>();
  readonly #leaders = new Map<string, number>();
  readonly #votes = new Map<string, number>();
  readonly #terms = new Map<string, { process: number; before: number; highest: number }>();
  /** By group, then by index and term. */
  readonly #named = new Map<number, Map<number, Named>>();
  /** By group: the highest term that had a leader. */
  readonly #highestTerms = new Map<number, number>();
  readonly #shown = new Map<string, Shown>();
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
      committed[index] = { term, data, hash, seenInTerm: this.#highestTerms.get(group) ?? 0 };
      this.counts.commits += 1;
      return;
    }
    if (known.term !== term || known.data !== data)
      throw new Violation(
        `group ${group}: entry ${index} is '${data}' of term ${term} here, and was '${known.data}' of term ${known.term}`,
      );
    if (known.hash !== hash) throw new Violation(`group ${group}: the states at entry ${index} differ`);
  }

  /** Index of the newest entry that was applied anywhere. */
  newestApplied(group: number): number {
    return (this.#committed.get(group)?.length ?? 1) - 1;
  }

  /** The state of a replica that came with a snapshot, or from its disk. */
  restored(group: number, index: number, hash: number): void {
    if (index === 0) return;
    const known = this.#committed.get(group)?.[index];
    if (known?.hash !== hash)
      throw new Violation(
        `group ${group}: the state that came with a snapshot at entry ${index} is another one`,
      );
  }

  /** The newest `count` entries that a leader of `term` must have, newest first. */
  mustHave(group: number, term: number, count: number): { readonly index: number; readonly term: number }[] {
    const committed = this.#committed.get(group) ?? [];
    const entries: { index: number; term: number }[] = [];
    for (let index = committed.length - 1; index > 0 && entries.length < count; index -= 1) {
      const entry = committed[index];
      if (entry !== undefined && entry.seenInTerm < term) entries.push({ index, term: entry.term });
    }
    return entries;
  }

  /** Log matching: an index and a term name one entry, and the term of the one before it, in every log and message. */
  logged(group: number, entry: { readonly index: number; readonly term: number }, named: Named): void {
    const known = this.#named.get(group) ?? new Map<number, Named>();
    this.#named.set(group, known);
    const key = entry.index * TERMS + entry.term;
    const before = known.get(key);
    if (before === undefined) {
      known.set(key, { ...named });
      return;
    }
    const where = `group ${group}: entry ${entry.index} of term ${entry.term}`;
    if (before.crc !== named.crc) throw new Violation(`${where} is not the same in two logs`);
    const { previousTerm } = named;
    if (previousTerm === undefined) return;
    if ((before.previousTerm ??= previousTerm) !== previousTerm)
      throw new Violation(
        `${where} follows one of term ${before.previousTerm} and one of term ${previousTerm}`,
      );
  }

  /** In one process neither terms nor commits fall, and only what is committed is applied. */
  shows(group: number, replica: number, o: { readonly process: string; readonly status: Shown }): void {
    const key = `${o.process}/${group}/${replica}`;
    const { term, commit, applied } = o.status;
    const before = this.#shown.get(key);
    this.#shown.set(key, { term, commit, applied });
    const who = `group ${group}: in one process ${replica}`;
    if (applied > commit) throw new Violation(`${who} has applied ${applied}, but committed only ${commit}`);
    if (before === undefined) return;
    if (term < before.term) throw new Violation(`${who} goes back from term ${before.term} to ${term}`);
    if (commit < before.commit)
      throw new Violation(`${who} goes back from commit ${before.commit} to ${commit}`);
    if (applied < before.applied)
      throw new Violation(`${who} goes back from applied entry ${before.applied} to ${applied}`);
  }

  leads(group: number, term: number, replica: number): void {
    const key = `${group}/${term}`;
    const known = this.#leaders.get(key);
    if (known !== undefined && known !== replica)
      throw new Violation(`group ${group}: ${known} and ${replica} both lead in term ${term}`);
    if (known === undefined) this.counts.elections += 1;
    this.#leaders.set(key, replica);
    this.#highestTerms.set(group, Math.max(this.#highestTerms.get(group) ?? 0, term));
  }

  /** Everything that leaves a process. */
  sent({ group, message }: GroupMessage, process: number): void {
    this.#checkTerm(group, message, process);
    if (message.type === 'append' || message.type === 'heartbeat')
      this.leads(group, message.term, message.from);
    if (message.type === 'append') this.#checkEntries(group, message);
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

  #checkEntries(group: number, message: Extract<GroupMessage['message'], { type: 'append' }>): void {
    let previousTerm = message.prevTerm;
    for (const entry of message.entries) {
      this.logged(group, entry, { crc: crcOf(entry), previousTerm });
      previousTerm = entry.term;
    }
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

  /** A strong read that began when entry `atLeast` was applied somewhere is served at `barrier`, from a state at `applied`. */
  readAt(
    group: number,
    o: { readonly atLeast: number; readonly barrier: number; readonly applied: number },
  ): void {
    if (o.barrier < o.atLeast || o.applied < o.barrier)
      throw new Violation(
        `group ${group}: a read at ${o.barrier}, from a state at ${o.applied}, began when ${o.atLeast} was applied`,
      );
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

/** Of what an entry says. */
export function crcOf({ kind, data }: Pick<CommittedBatch['entries'][number], 'kind' | 'data'>): number {
  return crc32c(data, kind === 'normal' ? 0 : 1);
}
