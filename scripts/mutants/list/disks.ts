import { SERVER } from '../places.ts';
import type { Mutant } from '../types.ts';

const IN = 'server/src/storage';

/** Disks that fail, fill up, or come back as they were. */
export const DISKS: readonly Mutant[] = [
  {
    name: 'go-on-with-a-failed-handle',
    rule: 'a handle that failed accepts no more calls',
    file: `${IN}/poison.ts`,
    find: 'if (this.#cause !== undefined) throw new PoisonedError(this.#cause);\n  }\n\n  /** Runs a call that changes',
    replace: '}\n\n  /** Runs a call that changes',
    killer: { file: SERVER.poison, test: 'the store says so once and no call reaches the disk any more' },
  },
  {
    name: 'failed-write-does-not-poison',
    rule: 'a write whose outcome is open poisons the handle',
    file: `${IN}/poison.ts`,
    find: 'return !(error instanceof KvError && error.rocksdb === undefined && UNTRIED.includes(error.code));',
    replace: 'return !(error instanceof KvError && UNTRIED.includes(error.code));',
    killer: {
      file: SERVER.poison,
      test: 'a failed write poisons whatever RocksDB calls it: it may be in the log',
    },
  },
  {
    name: 'incarnation-stays',
    rule: 'every start has the next incarnation',
    file: `${IN}/store-identity.ts`,
    find: 'incarnation: identity.incarnation + 1,',
    replace: 'incarnation: identity.incarnation,',
    killer: {
      file: SERVER.directory,
      test: 'a store keeps its uuid; every start has the next incarnation and another nonce',
    },
  },
  {
    name: 'boot-nonce-stays',
    rule: 'every start has another boot nonce',
    file: `${IN}/store-identity.ts`,
    find: 'incarnation: identity.incarnation + 1, bootNonce: randomUUID()',
    replace: 'incarnation: identity.incarnation + 1',
    killer: {
      file: SERVER.directory,
      test: 'a store keeps its uuid; every start has the next incarnation and another nonce',
    },
  },
  {
    name: 'floor-falls',
    rule: 'the sequence in the floor never falls',
    file: `${IN}/floor-keeper.ts`,
    find: 'if (sequence <= this.#sequence) return;',
    replace: '',
    killer: { file: SERVER.floor, test: 'the sequence never falls' },
  },
  {
    name: 'floor-forgets-other-votes',
    rule: 'the floor holds the vote of every group',
    file: `${IN}/floor-keeper.ts`,
    find: 'for (const vote of changed) this.#votes.set',
    replace: 'this.#votes.clear();\n    for (const vote of changed) this.#votes.set',
    killer: { file: SERVER.floor, test: 'a vote is on the disk when it resolves, with those before it' },
  },
  {
    name: 'vote-rides-in-the-write-before',
    rule: 'a vote that comes while the floor is written waits for the next write',
    file: `${IN}/floor-keeper.ts`,
    find: 'if (this.#running === undefined) return this.#begin();',
    replace:
      'if (this.#running === undefined) return this.#begin();\n    if (this.#isDirty || !this.#isDirty) return this.#running;',
    killer: {
      file: SERVER.floor,
      test: 'votes that come during a write share the next one, and wait for it',
    },
  },
  {
    name: 'amnesia-is-forgotten',
    rule: 'a store that has forgotten stays amnesiac over restarts',
    file: `${IN}/data-directory.ts`,
    find: 'if (amnesia !== undefined) await writeDurably(join(path, AMNESIA_FILE), Buffer.from(amnesia));',
    replace: '',
    killer: {
      file: SERVER.directory,
      test: 'it stays amnesiac when it is started again, with the empty store that was opened meanwhile',
    },
  },
  {
    name: 'full-disk-without-hysteresis',
    rule: 'a full disk is used again with hysteresis',
    file: `${IN}/disk-limits.ts`,
    find: 'const HYSTERESIS = 1.25;',
    replace: 'const HYSTERESIS = 1;',
    killer: { file: SERVER.limits, test: 'a disk that was low is low' },
  },
  {
    name: 'full-disk-is-not-noticed',
    rule: 'below the hard limit a disk is full',
    file: `${IN}/disk-limits.ts`,
    find: "if (isBelow(hardBytes, before === 'full')) return 'full';",
    replace: '',
    killer: { file: SERVER.limits, test: 'a disk that was ok is full' },
  },
];
