import { SERVER } from '../places.ts';
import type { Mutant } from '../types.ts';

const IN = 'server/src/cluster';

/** Bringing back replicas that were lost, and writes that are repeated. */
export const REPAIRS: readonly Mutant[] = [
  {
    name: 'replace-without-a-quorum',
    rule: 'a replica is replaced only while the others can do without it',
    file: `${IN}/repair-plan.ts`,
    find: 'if (isVoter && (placement.leaving.length > 0 || !hasQuorum(group, configuration.voters))) return [];',
    replace: 'if (isVoter && placement.leaving.length > 0) return [];',
    killer: { file: SERVER.plan, test: 'a damaged replica is not replaced while another voter is silent' },
  },
  {
    name: 'shrink-without-a-quorum',
    rule: 'voters change only when enough of those that remain answer',
    file: `${IN}/repair-plan.ts`,
    find: 'if (!hasQuorum(group, voters)) return undefined;',
    replace: '',
    killer: { file: SERVER.plan, test: 'a voter is not removed when too few' },
  },
  {
    name: 'promote-a-learner-that-lags',
    rule: 'a learner becomes a voter when it has caught up',
    file: `${IN}/repair-plan.ts`,
    find: 'return progress.match + CAUGHT_UP_ENTRIES >= leader.report.commit;',
    replace: 'return true;',
    killer: { file: SERVER.plan, test: 'a learner is made a voter when it has almost everything' },
  },
  {
    name: 'change-within-a-joint-configuration',
    rule: 'no change is asked for while the configuration is joint',
    file: `${IN}/repair-plan.ts`,
    find: 'if (configuration.votersOutgoing.length > 0) return undefined;',
    replace: '',
    killer: { file: SERVER.plan, test: 'nothing is asked of a group whose configuration is joint' },
  },
  {
    name: 'forget-replicas-on-the-word-of-the-leader',
    rule: 'a replaced replica is forgotten when most voters have the change on disk',
    file: `${IN}/repair-plan.ts`,
    find: 'if (settled.length * 2 <= voters.length) return [];',
    replace: 'if (settled.length === 0) return [];',
    killer: {
      file: SERVER.plan,
      test: 'a replica that left is remembered until most voters have the change',
    },
  },
  {
    name: 'wiped-disk-keeps-its-replicas',
    rule: 'a wiped disk returns under replicas that are new',
    file: `${IN}/meta-repairs.ts`,
    find: 'shards: map.shards.map((shard) => withReplacedOn(shard, nodeId)),',
    replace: 'shards: map.shards,',
    killer: {
      file: SERVER.repairs,
      test: 'a member with a new store has another replica in the place of every one that it has lost; the others stay',
    },
  },
  {
    name: 'any-store-is-admitted',
    rule: 'a new store is admitted only in the place of the one that is known',
    file: `${IN}/meta-repairs.ts`,
    find: 'if (known.storeUuid !== former)',
    replace: "if (former === '')",
    killer: {
      file: SERVER.repairs,
      test: 'a member with a new store one whose member has another store than was thought is refused, and nothing changes',
    },
  },
  {
    name: 'another-write-under-the-same-key',
    rule: 'another write under the same key is refused',
    file: 'server/src/shard/retries.ts',
    find: 'if (!known.digest.equals(tag.digest)) return reused(tag);',
    replace: '',
    killer: { file: SERVER.retries, test: 'another write under the same key is refused' },
  },
  {
    name: 'older-sequence-is-done-again',
    rule: "a client's write that is older than its last one is refused",
    file: 'server/src/shard/retries.ts',
    find: 'if (tag.sequence < known.sequence) return staleSequence(tag, known.sequence);',
    replace: 'if (tag.sequence < known.sequence) return undefined;',
    killer: { file: SERVER.retries, test: 'a client has one row: its last write; older ones are refused' },
  },
];
