import { invariant } from '../../../base/index.ts';
import type { Entry, LogStorage, Message, ReplicaId, SoftState } from '../types.ts';

/** What a new leader has: all of it is on its disk. */
type LeaderLog = Pick<LogStorage, 'firstIndex' | 'term'>;

/** Sees everything that happens to a group, and fails when one of Raft's guarantees is broken (thesis figure 3.2). */
export class Oracle {
  readonly #leaders = new Map<number, ReplicaId>();
  readonly #votes = new Map<string, ReplicaId>();
  readonly #committed: Entry[] = [];
  /** By index - 1: the term of the replica that was first to know of the commit, so at least the term of the commit. */
  readonly #commitTerms: number[] = [];
  readonly #stored = new Map<string, Entry>();

  /** Highest index that was ever handed out to be applied. */
  get committedIndex(): number {
    return this.#committed.length;
  }

  get committedEntries(): readonly Entry[] {
    return this.#committed;
  }

  /** Election safety: one leader a term. */
  sawRole(id: ReplicaId, term: number, soft: SoftState): void {
    if (soft.role !== 'leader') return;
    const known = this.#leaders.get(term) ?? id;
    invariant(known === id, 'a term has one leader', { term, known, id });
    this.#leaders.set(term, id);
  }

  /** One vote a term, also over restarts: judged by the answers that left. */
  sawMessage(message: Message): void {
    if (message.type === 'vote') this.#vote(message.from, message.term, message.from);
    if (message.type === 'voteResponse' && !message.reject)
      this.#vote(message.from, message.term, message.to);
    if (message.type === 'append') for (const entry of message.entries) this.sawStored(entry);
  }

  /** Log matching: index and term determine the entry, wherever it is. */
  sawStored(entry: Entry): void {
    const key = `${String(entry.index)}@${String(entry.term)}`;
    const known = this.#stored.get(key) ?? entry;
    invariant(isSame(known, entry), 'an index and a term name one entry', { key });
    this.#stored.set(key, entry);
  }

  /** State machine safety: every replica applies the same entry at an index, and none is left out. */
  sawCommitted(id: ReplicaId, term: number, entry: Entry): void {
    invariant(entry.index <= this.committedIndex + 1, 'committed entries have no gap', {
      id,
      index: entry.index,
    });
    const known = this.#committed[entry.index - 1];
    if (known === undefined) {
      this.#committed.push(entry);
      this.#commitTerms.push(term);
    } else {
      invariant(isSame(known, entry), 'what is committed stays', {
        id,
        index: entry.index,
        known: known.term,
        seen: entry.term,
      });
    }
  }

  /** Leader completeness: a new leader's log has everything that was committed in earlier terms. */
  sawLeaderLog(id: ReplicaId, term: number, log: LeaderLog): void {
    const firstIndex = log.firstIndex();
    for (let index = this.#committed.length; index >= firstIndex; index -= 1) {
      if ((this.#commitTerms[index - 1] ?? term) >= term) continue;
      const expected = this.#committed[index - 1]?.term;
      const found = log.term(index);
      invariant(found === expected, 'a leader has what was committed', { id, index, found, expected });
    }
  }

  #vote(voter: ReplicaId, term: number, candidate: ReplicaId): void {
    const key = `${String(voter)}@${String(term)}`;
    const known = this.#votes.get(key) ?? candidate;
    invariant(known === candidate, 'a replica votes once a term', { voter, term, known, candidate });
    this.#votes.set(key, candidate);
  }
}

function isSame(a: Entry, b: Entry): boolean {
  return a.term === b.term && a.kind === b.kind && a.data.equals(b.data);
}
