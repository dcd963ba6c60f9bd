import { DRIVER, inRaft, RAFT } from '../places.ts';
import type { Mutant } from '../types.ts';

/** What the log on the disk proves of itself, and what happens when it cannot. */
export const LOG_STORE: readonly Mutant[] = [
  {
    name: 'crc-is-not-checked',
    rule: 'every entry is checked against its CRC',
    ...inRaft('log/entry-record.ts'),
    find: 'if (crc32c(value.subarray(0, crcAt), crc32c(key)) !== crc)',
    replace: 'if (crc < 0)',
    killer: {
      file: RAFT.logStore,
      test: 'a log that the disk has changed is damaged a flipped bit in an entry',
    },
  },
  {
    name: 'crc-without-the-key',
    rule: 'the CRC covers group and index',
    ...inRaft('log/entry-record.ts'),
    find: 'if (crc32c(value.subarray(0, crcAt), crc32c(key)) !== crc)',
    replace:
      'if (crc32c(value.subarray(0, crcAt), crc32c(key)) !== crc && value.readUInt8(0) !== ENTRY_FORMAT)',
    killer: { file: RAFT.logStore, test: 'an entry under another index or in another group is refused' },
  },
  {
    name: 'chain-is-not-checked',
    rule: 'the CRCs of a log form one chain',
    ...inRaft('log/load-group.ts'),
    find: 'if (decoded.previousCrc !== log.crcOf(last)) return',
    replace: 'if (decoded.previousCrc < 0) return',
    killer: {
      file: RAFT.logStore,
      test: 'a log that the disk has changed is damaged an entry of another log at the right place breaks the chain',
    },
  },
  {
    name: 'hole-is-not-noticed',
    rule: 'the indexes of a log have no hole',
    ...inRaft('log/load-group.ts'),
    find: 'if (index !== last + 1) return `a hole',
    replace: 'if (index <= last) return `a hole',
    killer: { file: RAFT.logStore, test: 'a log that the disk has changed is damaged a hole' },
  },
  {
    name: 'terms-may-fall',
    rule: 'the terms of a log never fall',
    ...inRaft('log/load-group.ts'),
    find: 'if (term < Math.max(log.term(last) ?? 0, 1)) return',
    replace: 'if (term < 0) return',
    killer: { file: RAFT.logStore, test: 'although the chain fits' },
  },
  {
    name: 'commit-behind-the-log',
    rule: 'the stored commit index lies in the stored log',
    ...inRaft('log/load-group.ts'),
    find: 'if (commit > last) this.#refuse',
    replace: 'if (commit < 0) this.#refuse',
    killer: {
      file: RAFT.logStore,
      test: 'a log that the disk has changed is damaged an end below the commit index',
    },
  },
  {
    name: 'conflicting-end-stays-on-disk',
    rule: 'what a shorter end replaces is removed with it',
    ...inRaft('log/group-log.ts'),
    find: 'if (newLast < stagedLast) {',
    replace: 'if (newLast > stagedLast) {',
    killer: { file: RAFT.logStore, test: 'the log store gives back after a restart what was written' },
  },
  {
    name: 'visible-before-durable',
    rule: 'the log shows what is durable, not what is staged',
    ...inRaft('log/group-log.ts'),
    find: 'const record = encoder.encode(this.group, entry, crc);',
    replace:
      'const record = encoder.encode(this.group, entry, crc);\n      this.#terms.append(entry.index, entry.term);',
    killer: { file: RAFT.logStore, test: 'the log store shows entries when they are durable, not before' },
  },
  {
    name: 'compact-beyond-the-commit',
    rule: 'a log forgets only what is committed',
    ...inRaft('log/group-log.ts'),
    find: 'const target = Math.min(index, this.#stagedCommit, this.#terms.lastIndex);',
    replace: 'const target = Math.min(index, this.#terms.lastIndex);',
    killer: { file: RAFT.logStore, test: 'compaction goes no further than the stored commit index' },
  },
  {
    name: 'cut-entry-comes-back-from-the-disk',
    rule: 'an entry that was cut while it was read does not come back',
    ...inRaft('log/group-log.ts'),
    find: 'entries.filter((entry) => this.#terms.term(entry.index) === entry.term);',
    replace: 'entries.filter((entry) => entry.index > 0);',
    killer: {
      file: RAFT.logStore,
      test: 'memory a read entry that was cut off meanwhile does not come back',
    },
  },
  {
    name: 'snapshot-keeps-the-generation',
    rule: 'a snapshot switches log, configuration and generation at once',
    ...inRaft('log/group-log.ts'),
    find: 'for (const row of [baseRow(this.group, base), generationRow(this.group, this.#generation)]) {',
    replace: 'for (const row of [baseRow(this.group, base)]) {',
    killer: {
      file: RAFT.logStore,
      test: 'a snapshot replaces log, configuration and generation in one batch',
    },
  },
  {
    name: 'damaged-log-takes-part',
    rule: 'a replica whose log is damaged neither votes nor acknowledges',
    ...inRaft('driver/group-start.ts'),
    find: 'if (applied > last) return',
    replace: 'if (applied < 0) return',
    killer: {
      file: DRIVER.host,
      test: 'a damaged log is not started: the replica says why, neither votes nor acknowledges',
    },
  },
  {
    name: 'lost-tail-is-not-noticed',
    rule: 'a log that ends before the floor is amnesiac',
    ...inRaft('log/floor-check.ts'),
    find: 'if (sequence < floor.sequence)',
    replace: 'if (sequence < 0)',
    killer: { file: RAFT.floorCheck, test: 'a later write is noticed as lost' },
  },
  {
    name: 'forgotten-vote-is-not-noticed',
    rule: 'a log that has forgotten a vote in the floor is amnesiac',
    ...inRaft('log/floor-check.ts'),
    find: 'return isKept ? undefined :',
    replace: 'return isKept || !isKept ? undefined :',
    killer: { file: RAFT.floorCheck, test: 'a later term is noticed as lost' },
  },
];
