/** What leaves the core, and what comes back from the disk. */
import { invariant } from '../../base/index.ts';
import { releaseCommitted } from './proposals.ts';
import { isReadRoundDue, startReadRound } from './reads/reads.ts';
import { acknowledgeOwnLog, sendDueAppends } from './replication.ts';
import type { RaftState } from './state.ts';
import { step } from './step.ts';
import type { HardState, Message, Persist, Ready, SoftState } from './types.ts';

/** A batch that is being written, and what it makes true when it is durable. */
interface WriteInProgress {
  readonly token: number;
  /** The term in which it was handed out: an entry written then may have been replaced in a later one. */
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** 0: none. */
  readonly snapshotIndex: number;
  readonly toSelf: readonly Message[];
}

/** Turns the state into `Ready`s, and completes them. */
export class ReadyMaker {
  readonly #state: RaftState;
  readonly #writes: WriteInProgress[] = [];
  #nextToken = 1;
  /** As last handed out. */
  #softState: SoftState;

  constructor(state: RaftState) {
    this.#state = state;
    this.#softState = { role: state.role, leader: state.leader };
  }

  get hasReady(): boolean {
    const state = this.#state;
    return (
      state.appendsDue ||
      !state.outbox.isEmpty ||
      this.#hasWrite ||
      state.applyQueue.hasNext ||
      !state.readStates.isEmpty ||
      !state.readFailures.isEmpty ||
      this.#isSoftStateNew ||
      isReadRoundDue(state)
    );
  }

  ready(): Ready {
    const state = this.#state;
    startReadRound(state);
    sendDueAppends(state);
    const persist = this.#takeWrite();
    const committed = state.applyQueue.take();
    releaseCommitted(state, committed);
    return {
      messages: state.outbox.take(),
      persist,
      committed,
      readStates: state.readStates.take(),
      readFailures: state.readFailures.take(),
      softState: this.#takeSoftState(),
    };
  }

  onAppended(token: number): void {
    const state = this.#state;
    const write = this.#writes.shift();
    invariant(write?.token === token, 'writes become durable in order', { expected: write?.token, token });
    state.durableTerm = Math.max(state.durableTerm, write.term);
    if (write.snapshotIndex > 0) {
      state.log.unstable.stableSnapshotTo(write.snapshotIndex);
      state.applyQueue.restoredTo(write.snapshotIndex);
    }
    // In a later term the entries written may be others than those that stand in the log now, and be so again after a
    // second change (A-B-A); entering that term is written too, and that write tells what is durable then.
    if (write.term === state.term) {
      state.log.stableTo(write.lastIndex, write.lastTerm);
      if (state.role === 'leader') acknowledgeOwnLog(state);
    }
    for (const message of write.toSelf) step(state, message);
  }

  get #hasWrite(): boolean {
    const state = this.#state;
    return (
      state.log.unstable.hasUnwritten ||
      !state.gated.isEmpty ||
      !state.gatedToSelf.isEmpty ||
      state.isConfUnwritten ||
      this.#isHardStateNew
    );
  }

  get #isHardStateNew(): boolean {
    const { term, vote, log, writtenHardState: last } = this.#state;
    return last.commit !== log.committed || last.term !== term || last.vote !== vote;
  }

  get #isSoftStateNew(): boolean {
    return this.#softState.role !== this.#state.role || this.#softState.leader !== this.#state.leader;
  }

  #takeWrite(): Persist | undefined {
    if (!this.#hasWrite) return undefined;
    const state = this.#state;
    const { log } = state;
    const { entries, snapshot } = log.unstable.takeUnwritten();
    const before = state.writtenHardState;
    const hardState = this.#isHardStateNew ? this.#takeHardState() : undefined;
    const isTermOrVoteNew = hardState?.term !== before.term || hardState.vote !== before.vote;
    const isLogNew = entries.length > 0 || snapshot !== undefined;
    const token = this.#nextToken;
    this.#nextToken += 1;
    this.#writes.push({
      token,
      term: state.term,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      snapshotIndex: snapshot?.index ?? 0,
      toSelf: state.gatedToSelf.take(),
    });
    const mustSync = isLogNew || state.isConfUnwritten || (hardState !== undefined && isTermOrVoteNew);
    state.isConfUnwritten = false;
    return { token, entries, hardState, snapshot, mustSync, messagesAfter: state.gated.take() };
  }

  /** All of the log is handed out with it or was before, so the commit index never points behind the disk's end. */
  #takeHardState(): HardState {
    const { term, vote, log } = this.#state;
    invariant(log.committed <= log.lastIndex, 'the commit index lies in the log', {
      committed: log.committed,
    });
    this.#state.writtenHardState = { term, vote, commit: log.committed };
    return this.#state.writtenHardState;
  }

  #takeSoftState(): SoftState | undefined {
    if (!this.#isSoftStateNew) return undefined;
    this.#softState = { role: this.#state.role, leader: this.#state.leader };
    return this.#softState;
  }
}
