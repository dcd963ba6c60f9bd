import fc from 'fast-check';
import { DecodeError } from '../base/index.ts';
import { FIELD_TYPES, METRICS } from '../model/index.ts';
import {
  decodeDescription,
  decodeRecordAnswer,
  encodeDescription,
  type NodeDescription,
} from './formation-messages.ts';
import { decodeMetaCommand, encodeMetaCommand, type MetaCommand } from './meta-command.ts';
import { decodeRows, encodeApplied, encodeMap, APPLIED_KEY } from './meta-rows.ts';
import { decodeNodeStatus, encodeNodeStatus, type NodeStatus } from './node-status.ts';
import { placeMeta, placeShards } from './placement.ts';
import { decodeRecord, encodeRecord, type FormationRecord } from './record.ts';
import { byNodeId, type ClusterMap } from './types.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const member = fc.record({
  nodeId: fc.string({ minLength: 1, maxLength: 12 }),
  storeUuid: fc.uuid(),
  raftAddress: text,
  grpcAddress: text,
  restAddress: text,
  zone: text,
});
const members = fc
  .uniqueArray(member, { minLength: 1, maxLength: 7, selector: ({ nodeId }) => nodeId })
  .map((list) => list.sort(byNodeId));
const settings = fc.record({
  shardCount: fc.integer({ min: 1, max: 64 }),
  replicaCount: fc.integer({ min: 1, max: 7 }),
  dimension: fc.option(fc.integer({ min: 1, max: 4096 }), { nil: undefined }),
  metric: fc.constantFrom(...METRICS),
  binaryQuantization: fc.boolean(),
  m: fc.integer({ min: 2, max: 128 }),
});
const schema = fc.record({
  id: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  name: text,
  dimension: fc.integer({ min: 1, max: 4096 }),
  metric: fc.constantFrom(...METRICS),
  m: fc.integer({ min: 2, max: 128 }),
  payloadIndexes: fc.array(
    fc.record({ number: fc.nat(0xffff), field: text, type: fc.constantFrom(...FIELD_TYPES) }),
    { maxLength: 3 },
  ),
  payloadIndexesMade: fc.nat(0xffff),
});
const map = fc
  .record({
    clusterId: fc.uuid(),
    version: counter,
    settings,
    members,
    collections: fc.uniqueArray(schema, { maxLength: 5, selector: ({ id }) => id }),
  })
  .map((parts): ClusterMap => {
    const nodeIds = parts.members.map(({ nodeId }) => nodeId);
    const shards = placeShards({ nodeIds, ...parts.settings });
    const meta = placeMeta(nodeIds);
    return { ...parts, meta, shards, collections: parts.collections.sort((a, b) => a.id - b.id) };
  });
const record: fc.Arbitrary<FormationRecord> = fc.record({
  clusterId: fc.uuid(),
  founders: members,
  settings,
});
const command: fc.Arbitrary<MetaCommand> = fc.oneof(
  map.map(({ version: _version, ...rest }): MetaCommand => ({ kind: 'initialise', ...rest })),
  schema.map((one): MetaCommand => ({ kind: 'createCollection', schema: one })),
  fc.record({
    kind: fc.constant('createIndex' as const),
    collection: fc.nat(0xffff_ffff),
    field: text,
    type: fc.constantFrom(...FIELD_TYPES),
  }),
  fc.record({ kind: fc.constant('dropIndex' as const), collection: fc.nat(0xffff_ffff), field: text }),
  member.map((one): MetaCommand => ({ kind: 'updateMember', member: one })),
  fc.tuple(member, text).map(([one, former]): MetaCommand => ({
    kind: 'readmitMember',
    former,
    member: one,
  })),
  fc.tuple(fc.nat(0xffff), counter).map(([group, replicaId]): MetaCommand => {
    return { kind: 'replaceReplica', group, replicaId };
  }),
  fc.tuple(fc.nat(0xffff), fc.array(counter)).map(([group, replicaIds]): MetaCommand => {
    return { kind: 'forgetReplicas', group, replicaIds };
  }),
);
const description: fc.Arbitrary<NodeDescription> = fc.record({
  member,
  standing: fc.constantFrom('blank', 'stopped', 'wiped', 'member'),
  reason: text,
  founders: fc.option(fc.array(text), { nil: undefined }),
  seeds: fc.array(text),
  explicit: fc.array(fc.tuple(text, text)).map((pairs) => new Map(pairs)),
  record: fc.option(record, { nil: undefined }),
  map: fc.option(map, { nil: undefined }),
});
const status: fc.Arbitrary<NodeStatus> = fc.record({
  nodeId: text,
  version: text,
  addresses: fc.record({ raft: text, grpc: text, rest: text }),
  zone: text,
  isStopping: fc.boolean(),
  mapVersion: counter,
  isDiskSlow: fc.boolean(),
  disk: fc.constantFrom('ok', 'low', 'full'),
  groups: fc.array(
    fc.record({
      group: fc.integer({ min: 0, max: 0xffff }),
      replicaId: counter,
      role: fc.constantFrom('leader', 'follower', 'learner', 'candidate'),
      term: counter,
      leaderNode: fc.option(text, { nil: undefined }),
      commit: counter,
      applied: counter,
      isDamaged: fc.boolean(),
      durableConfiguration: counter,
      configuration: fc.option(
        fc.record({
          index: counter,
          voters: fc.array(counter),
          votersOutgoing: fc.array(counter),
          learners: fc.array(counter),
        }),
        { nil: undefined },
      ),
      vectors: counter,
      progress: fc.array(
        fc.record({
          replica: counter,
          isLearner: fc.boolean(),
          match: counter,
          state: fc.constantFrom('probe', 'replicate', 'snapshot'),
          recentActive: fc.boolean(),
        }),
      ),
    }),
  ),
});

const CODECS = [
  { what: 'a meta command', values: command, encode: encodeMetaCommand, decode: decodeMetaCommand },
  { what: 'a formation record', values: record, encode: encodeRecord, decode: decodeRecord },
  {
    what: 'the description of a node',
    values: description,
    encode: encodeDescription,
    decode: decodeDescription,
  },
  { what: 'a node status', values: status, encode: encodeNodeStatus, decode: decodeNodeStatus },
] as {
  what: string;
  values: fc.Arbitrary<unknown>;
  encode: (value: unknown) => Buffer;
  decode: (bytes: Buffer) => unknown;
}[];

test.each(CODECS)('$what reads back as it was written', ({ values, encode, decode }) => {
  fc.assert(fc.property(values, (value) => expect(decode(encode(value))).toEqual(value)));
});

test.each(CODECS)(
  '$what that is cut short, longer, or of another format is refused',
  ({ values, encode, decode }) => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, share) => {
        const bytes = encode(value);
        const otherFormat = Buffer.from(bytes);
        otherFormat[0] = 99;
        for (const damaged of [
          bytes.subarray(0, Math.floor(bytes.length * share)),
          Buffer.concat([bytes, Buffer.from([0])]),
          otherFormat,
        ]) {
          expect(() => decode(damaged)).toThrow(DecodeError);
        }
      }),
    );
  },
);

test.each([...CODECS, { what: 'an answer', decode: decodeRecordAnswer }])(
  'random bytes are never read as $what with anything but a DecodeError',
  ({ decode }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode(Buffer.from([1, ...bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  },
);

test('a command of a kind that this build does not know stops the replica', () => {
  expect(() => decodeMetaCommand(Buffer.from([2, 99]))).toThrow('kind 99 is unknown to this build');
});

test('a map reads back from its rows in any order', () => {
  fc.assert(
    fc.property(map, fc.infiniteStream(fc.integer()), (value, order) => {
      const rows = [...encodeMap(value)].map(([key, bytes]) => ({
        key: Buffer.from(key, 'hex'),
        value: bytes,
      }));
      rows.push({ key: APPLIED_KEY, value: encodeApplied({ index: 7, term: 3 }) });
      const shuffled = rows
        .map((row) => ({ row, rank: order.next().value as number }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ row }) => row);
      expect(decodeRows(shuffled)).toEqual({ applied: { index: 7, term: 3 }, map: value });
    }),
  );
});

test('a map with a missing shard is refused', () => {
  const [value] = fc.sample(
    map.filter(({ shards }) => shards.length > 1),
    { numRuns: 1, seed: 1 },
  );
  const rows = [...encodeMap(value!)].filter(([key]) => key !== 'f00300000000');
  expect(() =>
    decodeRows(rows.map(([key, bytes]) => ({ key: Buffer.from(key, 'hex'), value: bytes }))),
  ).toThrow('a shard is missing');
});
