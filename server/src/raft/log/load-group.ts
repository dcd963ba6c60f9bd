import { DecodeError } from '../../base/index.ts';
import type { HardState, ReplicaId } from '../core/index.ts';
import { type DecodedEntry, decodeEntry } from './entry-record.ts';
import { FIRST_GENERATION, GroupLog, LOG_START } from './group-log.ts';
import { STATE_ROW } from './keys.ts';
import {
  type Configuration,
  type LogBase,
  readBase,
  readConfiguration,
  readGeneration,
  readHardState,
  readReplica,
  type Row,
} from './state-record.ts';

/** What came of reading a group: its log, or why it cannot be trusted. */
export type LoadedGroup =
  | { readonly kind: 'ok'; readonly log: GroupLog }
  | {
      readonly kind: 'damaged';
      readonly reason: string;
      /** Whose log it was; undefined when that cannot be read either. */
      readonly replicaId?: ReplicaId | undefined;
    };

/**
 * Rebuilds the log of one group from its rows, which come in key order: state rows, then entries. Checks what a write
 * batch always leaves behind: whole records, indexes without a hole, terms that never fall, one unbroken chain of CRCs,
 * a commit index within the log,
 * which begins where its base says. Anything else means that the disk lost or changed something.
 */
export class GroupLoader {
  readonly #group: number;
  #hardState: HardState | undefined;
  #configuration: Configuration | undefined;
  #base: LogBase = LOG_START;
  #generation = FIRST_GENERATION;
  #replicaId: number | undefined;
  #log: GroupLog | undefined;
  #damage: string | undefined;

  constructor(group: number) {
    this.#group = group;
  }

  /** What was read so far. */
  get log(): GroupLog | undefined {
    return this.#log;
  }

  addState(kind: number, row: Row): void {
    try {
      if (kind === STATE_ROW.hardState) this.#hardState = readHardState(row);
      else if (kind === STATE_ROW.configuration) this.#configuration = readConfiguration(row);
      else if (kind === STATE_ROW.base) this.#base = readBase(row);
      else if (kind === STATE_ROW.generation) this.#generation = readGeneration(row);
      else if (kind === STATE_ROW.replica) this.#replicaId = readReplica(row);
      else this.#refuse(`a state row of unknown kind ${kind}`);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#refuse(error.message);
    }
  }

  addEntry(row: Row): void {
    if (this.#damage !== undefined) return;
    const log = this.#open();
    if (log === undefined) return;
    const decoded = decodeEntry(row.key, row.value);
    const problem = problemOf(log, decoded);
    if (problem !== undefined) this.#refuse(problem);
    else if (decoded.kind === 'ok')
      log.restore(decoded.entry, { crc: decoded.crc, bytes: row.key.length + row.value.length });
  }

  finish(): LoadedGroup {
    const log = this.#open();
    if (log !== undefined) this.#checkState(log);
    if (this.#damage !== undefined || log === undefined) {
      const reason = this.#damage ?? 'nothing could be read';
      return { kind: 'damaged', reason, replicaId: this.#replicaId };
    }
    return { kind: 'ok', log };
  }

  /** The log so far; made when the first entry comes, because the state rows lie before the entries. */
  #open(): GroupLog | undefined {
    if (this.#log !== undefined) return this.#log;
    if (this.#hardState === undefined || this.#configuration === undefined) {
      this.#refuse('the hard state or the configuration is missing');
      return undefined;
    }
    const { hardState, configuration } = { hardState: this.#hardState, configuration: this.#configuration };
    this.#log = new GroupLog({
      group: this.#group,
      base: this.#base,
      generation: this.#generation,
      replicaId: this.#replicaId,
      hardState,
      configuration,
      isStored: true,
    });
    return this.#log;
  }

  #checkState(log: GroupLog): void {
    const { term, commit } = log.initialState().hardState;
    const last = log.lastIndex();
    const lastTerm = log.term(last) ?? 0;
    if (commit > last) this.#refuse(`commit ${commit} is behind the last index ${last}`);
    if (commit < this.#base.index) {
      this.#refuse(`commit ${commit} is before index ${this.#base.index}, where the log begins`);
    }
    if (term < lastTerm) this.#refuse(`the term ${term} is below that of the last entry, ${lastTerm}`);
    if (log.configurationIndex > last) {
      this.#refuse(`the configuration of index ${log.configurationIndex} is behind the last index ${last}`);
    }
  }

  #refuse(reason: string): void {
    this.#damage ??= reason;
  }
}

/** Why `decoded` cannot be the entry behind the end of `log`. */
function problemOf(log: GroupLog, decoded: DecodedEntry): string | undefined {
  const last = log.lastIndex();
  if (decoded.kind === 'bad') return `${decoded.reason} behind index ${last}`;
  const { index, term } = decoded.entry;
  if (index !== last + 1) return `a hole in the log: ${index} follows ${last}`;
  if (term < Math.max(log.term(last) ?? 0, 1)) return `the term falls at index ${index}`;
  if (decoded.previousCrc !== log.crcOf(last)) return `the chain is broken at index ${index}`;
  return undefined;
}
