import fc from 'fast-check';
import { DecodeError } from '../../base/index.ts';
import { FrameReader, frameHeader } from './frame.ts';

const encode = (type: number, body: Buffer): Buffer => Buffer.concat([frameHeader(type, body), body]);

describe('frames', () => {
  test('come out as they went in, however the stream is cut into pieces', () => {
    const frame = fc.record({ type: fc.nat({ max: 255 }), body: fc.uint8Array({ maxLength: 50 }) });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 30 })),
        (frames, cuts) => {
          const got: unknown[] = [];
          const reader = new FrameReader(100, (type, body) => got.push({ type, body: new Uint8Array(body) }));
          let stream = Buffer.concat(frames.map(({ type, body }) => encode(type, Buffer.from(body))));
          for (const cut of cuts) {
            reader.push(stream.subarray(0, cut));
            stream = stream.subarray(cut);
          }
          reader.push(stream);
          expect(got).toEqual(frames.map(({ type, body }) => ({ type, body: new Uint8Array(body) })));
        },
      ),
    );
  });

  test('with a flipped bit or of too many bytes are refused', () => {
    const reader = (): FrameReader => new FrameReader(100, () => undefined);
    const bytes = encode(3, Buffer.from('hello'));
    for (const at of [4, 8, 9, 13]) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 4, at);
      expect(() => reader().push(flipped)).toThrow(DecodeError);
    }
    expect(() => reader().push(encode(3, Buffer.alloc(101)))).toThrow('at most 100');
  });
});
