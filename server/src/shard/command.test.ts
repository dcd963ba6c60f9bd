import fc from 'fast-check';
import { DecodeError } from '../base/index.ts';
import { parsePointId } from '../model/index.ts';
import {
  CLAIM_CHUNK,
  type Command,
  commandPointBytes,
  COMMAND_HEADER_BYTES,
  decodeCommand,
  encodeCommand,
  stampCommand,
} from './index.ts';
import { UnknownCommandError } from './index.ts';
import { point, remove, upsert } from './testing/commands.ts';

const WALL_MS = 1_700_000_000_000.5;
const RETRY = {
  scope: 'key',
  name: Buffer.from('k'),
  sequence: 0,
  digest: Buffer.alloc(16, 7),
  chunk: CLAIM_CHUNK,
} as const;
const id = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.uuid(),
  fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
);
const aPoint = fc.record({
  id: id.map((value) => parsePointId(value)),
  vector: fc
    .array(fc.float(), { minLength: 1, maxLength: 8 })
    .map((v) => Buffer.from(new Float32Array(v).buffer)),
  payload: fc.json().map((text) => Buffer.from(text)),
});
const aCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('upsert' as const),
    collection: fc.nat(0xffff_ffff),
    points: fc.array(aPoint, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('delete' as const),
    collection: fc.nat(0xffff_ffff),
    ids: fc.array(
      id.map((value) => parsePointId(value).key),
      { minLength: 1, maxLength: 5 },
    ),
  }),
  fc.record({
    kind: fc.constant('upsert' as const),
    collection: fc.nat(0xffff_ffff),
    ifVersion: fc.maxSafeNat(),
    points: fc.tuple(aPoint),
  }),
  fc.record({
    kind: fc.constant('delete' as const),
    collection: fc.nat(0xffff_ffff),
    ifVersion: fc.maxSafeNat(),
    ids: fc.tuple(id.map((value) => parsePointId(value).key)),
  }),
  fc.array(fc.tuple(id, fc.maxSafeNat()), { minLength: 1, maxLength: 5 }).map((items) => ({
    kind: 'delete' as const,
    collection: 1,
    ids: items.map(([value]) => parsePointId(value).key),
    upTo: items.map(([, version]) => version),
  })),
);

test('a command comes back as it was encoded', () => {
  fc.assert(
    fc.property(aCommand, fc.double({ noNaN: true }), (command, wallMs) => {
      const decoded = decodeCommand(encodeCommand(command, { wallMs }));
      expect(decoded).toEqual({ header: { wallMs }, command });
    }),
  );
});

test('the bytes of a command never change: they are in every log', () => {
  const bytes = encodeCommand(upsert(point(5, [1, 2], {}), point('a', [3, 4], {})), { wallMs: WALL_MS });
  expect(bytes.toString('hex')).toBe(
    '010100088056febc78420100000002000000' +
      '090001000000000000000501080000000000803f00000040020000007b7d' +
      '0200036100080000000000404000008040020000007b7d',
  );
  const removal = encodeCommand(remove(5), { wallMs: WALL_MS });
  expect(removal.toString('hex')).toBe(
    '010200088056febc7842' + '0100000001000000' + '0900' + '010000000000000005',
  );
  const claim = encodeCommand({ kind: 'claim', collection: 1 }, { wallMs: WALL_MS, retry: RETRY });
  expect(claim.toString('hex')).toBe(
    '020300088056febc7842' + '00' + '01006b' + '0000000000000000' + '07'.repeat(16) + 'ffffffff' + '01000000',
  );
  const conditions = [
    { ...upsert(point('a', [3], {})), ifVersion: 7 },
    { ...remove(5), ifVersion: 0 },
    { kind: 'delete', collection: 1, ids: remove(5).ids, upTo: [260] },
  ] as const;
  const [upsertIf, deleteIf, deleteUpTo] = conditions.map((command) =>
    encodeCommand(command, { wallMs: WALL_MS }).toString('hex'),
  );
  const at = '00088056febc7842' + '01000000';
  expect(upsertIf).toBe(
    '0104' + at + '0700000000000000' + '01000000' + '02000361' + '00' + '0400000000004040' + '020000007b7d',
  );
  expect(deleteIf).toBe('0105' + at + '0000000000000000' + '01000000' + '0900' + '010000000000000005');
  expect(deleteUpTo).toBe('0106' + at + '01000000' + '0900' + '010000000000000005' + '0401000000000000');
  const note = encodeCommand({ kind: 'note', collection: 1, value: 3 }, { wallMs: WALL_MS, retry: RETRY });
  expect(note.toString('hex')).toBe(claim.toString('hex').replace(/^0203/, '0207') + '0300000000000000');
});

test('a condition is about one point', () => {
  const two = { ...remove(5, 6), ifVersion: 1 };
  expect(() => encodeCommand(two, { wallMs: WALL_MS })).toThrow('a condition is about one point');
  const bytes = encodeCommand({ ...remove(5), ifVersion: 1 }, { wallMs: WALL_MS });
  bytes.writeUInt32LE(2, 22);
  const doubled = Buffer.concat([bytes, bytes.subarray(26)]);
  expect(() => decodeCommand(doubled)).toThrow(DecodeError);
});

test('a claim comes back as it was encoded, and is nothing without the name that it is about', () => {
  const command = { kind: 'claim', collection: 1 } as const;
  const bytes = encodeCommand(command, { wallMs: WALL_MS, retry: RETRY });
  expect(decodeCommand(bytes)).toEqual({ header: { wallMs: WALL_MS, retry: RETRY }, command });
  expect(() => encodeCommand(command, { wallMs: WALL_MS })).toThrow('carries the name');
  const nameless = Buffer.concat([Buffer.of(1), bytes.subarray(1, 10), Buffer.of(1, 0, 0, 0)]);
  expect(() => decodeCommand(nameless)).toThrow(DecodeError);
});

test('the size of a command is known before it is encoded', () => {
  const points = [point(5, [1, 2], { a: 'b' }), point('long text id', [3, 4], {})];
  const bytes = encodeCommand(upsert(...points), { wallMs: WALL_MS }).length;
  expect(bytes).toBe(COMMAND_HEADER_BYTES + points.reduce((sum, p) => sum + commandPointBytes(p), 0));
});

test('a command that was cut short or has bytes left over is refused', () => {
  fc.assert(
    fc.property(aCommand, fc.nat(), (command, seed) => {
      const bytes = encodeCommand(command, { wallMs: WALL_MS });
      const cut = bytes.subarray(0, seed % bytes.length);
      expect(() => decodeCommand(cut)).toThrow(DecodeError);
      expect(() => decodeCommand(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(DecodeError);
    }),
  );
});

test('garbage is refused and never decoded into something else than a command', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      const bytes = Buffer.from([1, 1, ...garbage]);
      try {
        const { header, command } = decodeCommand(bytes);
        expect(encodeCommand(command, header)).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});

test.each([
  ['a format of a later version', 0, 3],
  ['a kind of a later version', 1, 9],
])('%s is not known', (_, offset, value) => {
  const bytes = encodeCommand(remove(5), { wallMs: WALL_MS });
  bytes[offset] = value;
  expect(() => decodeCommand(bytes)).toThrow(UnknownCommandError);
});

test('a command that names its write comes back with the name', () => {
  const retry = {
    scope: 'client',
    name: Buffer.from('c'),
    sequence: 2 ** 53 - 1,
    digest: Buffer.alloc(16, 7),
    chunk: 3,
  } as const;
  const { header, command } = decodeCommand(encodeCommand(remove(5), { wallMs: WALL_MS, retry }));
  expect(header).toEqual({ wallMs: WALL_MS, retry });
  expect(command).toEqual(remove(5));
});

test('only the first leader that proposes a command notes its clock', () => {
  const bytes = encodeCommand(remove(5), { wallMs: 0 });
  stampCommand(bytes, 111);
  stampCommand(bytes, 222);
  expect(decodeCommand(bytes)).toEqual({ header: { wallMs: 111 }, command: remove(5) });
});

test('a vector that is not whole float32 values is refused', () => {
  const bytes = encodeCommand(upsert({ ...point(5, [1]), vector: Buffer.alloc(3) }), { wallMs: WALL_MS });
  expect(() => decodeCommand(bytes)).toThrow(DecodeError);
});
