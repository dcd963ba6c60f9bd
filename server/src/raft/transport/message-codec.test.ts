import fc from 'fast-check';
import { DecodeError } from '../../base/index.ts';
import type { Message } from '../core/index.ts';
import type { GroupMessage } from '../types.ts';
import { decodeMessages, encodedBytes, encodeMessages } from './message-codec.ts';

const index = fc.maxSafeNat();
const replicas = fc.array(index, { maxLength: 5 });
const header = { from: index, to: index, term: index };
const confState = fc.record({
  voters: replicas,
  votersOutgoing: replicas,
  learners: replicas,
  learnersNext: replicas,
  autoLeave: fc.boolean(),
});
const payload = fc.record({
  kind: fc.constantFrom('normal', 'confChange'),
  term: index,
  data: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
});
const append = fc
  .record({
    ...header,
    type: fc.constant('append'),
    prevIndex: fc.nat(),
    prevTerm: index,
    commit: index,
    entries: fc.array(payload, { maxLength: 5 }),
  })
  .map((message) => ({
    ...message,
    entries: message.entries.map((entry, at) => ({ ...entry, index: message.prevIndex + 1 + at })),
  }));

const message = fc.oneof(
  append,
  fc.record({
    ...header,
    type: fc.constantFrom('preVote', 'vote'),
    lastIndex: index,
    lastTerm: index,
    transfer: fc.boolean(),
  }),
  fc.record({ ...header, type: fc.constantFrom('preVoteResponse', 'voteResponse'), reject: fc.boolean() }),
  fc.record({
    ...header,
    type: fc.constant('appendResponse'),
    index,
    reject: fc.boolean(),
    hintIndex: index,
    hintTerm: index,
  }),
  fc.record({ ...header, type: fc.constant('heartbeat'), commit: index, readRound: index }),
  fc.record({ ...header, type: fc.constant('heartbeatResponse'), readRound: index }),
  fc.record({
    ...header,
    type: fc.constant('snapshot'),
    snapshot: fc.record({ index, term: index, confState }),
  }),
  fc.record({ ...header, type: fc.constant('timeoutNow') }),
  fc.record({ ...header, type: fc.constant('transferLeader'), transferee: index }),
  fc.record({ ...header, type: fc.constant('readIndex'), context: index }),
  fc.record({
    ...header,
    type: fc.constant('readIndexResponse'),
    context: index,
    index,
    reject: fc.boolean(),
  }),
) as fc.Arbitrary<Message>;

const messages: fc.Arbitrary<GroupMessage[]> = fc.array(
  fc.record({ group: fc.nat({ max: 0xffff }), message }),
  {
    maxLength: 20,
  },
);

describe('the encoding of messages', () => {
  test('gives back every message of every type', () => {
    fc.assert(
      fc.property(messages, fc.maxSafeNat(), (sent, sequence) => {
        expect(decodeMessages(encodeMessages(sent, sequence))).toEqual({ sequence, messages: sent });
      }),
    );
  });

  test('never takes more bytes than foretold', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(encodeMessages([{ group: 1, message: one }]).length).toBeLessThanOrEqual(
          10 + encodedBytes(one),
        );
      }),
    );
  });

  test('refuses every truncation', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (sent, cut) => {
        const bytes = encodeMessages(sent);
        const shorter = bytes.subarray(0, cut % bytes.length);
        expect(() => decodeMessages(shorter)).toThrow(DecodeError);
      }),
    );
  });

  test('answers garbage with a DecodeError or messages, never with anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        try {
          decodeMessages(Buffer.from(garbage));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
