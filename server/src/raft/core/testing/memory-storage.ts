import { invariant, present } from '../../../base/index.ts';
import { fitting } from '../log/entry-bytes.ts';
import type {
  ConfState,
  EntriesRange,
  EntriesResult,
  Entry,
  HardState,
  LogStorage,
  Persist,
  ReplicaId,
  SnapshotMetadata,
} from '../types.ts';

/** A disk that holds one replica's log; what `write` took survives a crash, a commit index that was not synced may not. */
export class MemoryStorage implements LogStorage {
  #snapshot: SnapshotMetadata;
  /** Behind the snapshot, contiguous. */
  #entries: Entry[] = [];
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #syncedHardState: HardState = this.#hardState;
  #confState: ConfState;
  /** Entries below it have to be loaded before they can be read. */
  #coldBelow = 0;
  readonly #asked = new Set<ReplicaId>();

  constructor(confState: ConfState) {
    this.#confState = confState;
    this.#snapshot = { index: 0, term: 0, confState };
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#confState };
  }

  firstIndex(): number {
    return this.#snapshot.index + 1;
  }

  lastIndex(): number {
    return this.#snapshot.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    if (index === this.#snapshot.index) return this.#snapshot.term;
    return this.#entries[index - this.#snapshot.index - 1]?.term;
  }

  entries(range: EntriesRange): EntriesResult {
    const { from, to, bytesMax, replica } = range;
    if (from < this.firstIndex()) return { kind: 'compacted' };
    invariant(to <= this.lastIndex() + 1, 'the range is stored', { to, last: this.lastIndex() });
    if (from < this.#coldBelow) {
      this.#asked.add(replica);
      return { kind: 'unavailable' };
    }
    const start = this.firstIndex();
    return { kind: 'ok', entries: fitting(this.#entries.slice(from - start, to - start), bytesMax) };
  }

  snapshot(): SnapshotMetadata {
    return this.#snapshot;
  }

  /** The batch is on the disk. */
  write(persist: Persist): void {
    if (persist.snapshot !== undefined) {
      this.#snapshot = persist.snapshot;
      this.#entries = [];
    }
    const first = persist.entries[0];
    if (first !== undefined) {
      const kept = first.index - this.firstIndex();
      invariant(kept >= 0 && kept <= this.#entries.length, 'a write leaves no hole', { index: first.index });
      this.#entries = [...this.#entries.slice(0, kept), ...persist.entries];
    }
    if (persist.hardState !== undefined) this.#hardState = persist.hardState;
    invariant(
      this.#hardState.commit <= this.lastIndex(),
      'the commit index on disk lies in the log on disk',
      {
        commit: this.#hardState.commit,
        last: this.lastIndex(),
      },
    );
    if (persist.mustSync) this.#syncedHardState = this.#hardState;
  }

  /** Power is lost: what was not synced is gone. */
  loseUnsynced(): void {
    this.#hardState = this.#syncedHardState;
  }

  /** The log before a test starts. */
  preload(entries: readonly Entry[], hardState: HardState): void {
    this.#entries = [...entries];
    this.#hardState = hardState;
    this.#syncedHardState = hardState;
  }

  /** The configuration that belongs to the applied state with which the replica starts. */
  setConfState(confState: ConfState): void {
    this.#confState = confState;
  }

  /** Everything up to `index` is in the applied state, of which `confState` is a part: the log forgets it. */
  compact(index: number, confState: ConfState): void {
    const term = present(this.term(index), 'term of the compacted index');
    this.#entries = this.#entries.slice(index - this.#snapshot.index);
    this.#snapshot = { index, term, confState };
  }

  /** Entries below `index` leave memory; reading them answers 'unavailable'. */
  evictBelow(index: number): void {
    this.#coldBelow = index;
  }

  /** Brings everything back to memory and answers for whom entries were missed, ascending. */
  load(): readonly ReplicaId[] {
    this.#coldBelow = 0;
    const asked = [...this.#asked].sort((a, b) => a - b);
    this.#asked.clear();
    return asked;
  }
}
