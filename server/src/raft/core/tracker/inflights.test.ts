import fc from 'fast-check';
import { Inflights } from './inflights.ts';

describe('the window of appends under way', () => {
  it('is full by messages', () => {
    const window = new Inflights({ messagesMax: 2, bytesMax: 100 });
    window.add(5, 1);
    expect(window.isFull).toBe(false);
    window.add(6, 1);
    expect(window.isFull).toBe(true);
    expect(() => {
      window.add(7, 1);
    }).toThrow('a full window takes no message');
  });

  it('is full by bytes, though the message that crosses the bound still leaves', () => {
    const window = new Inflights({ messagesMax: 9, bytesMax: 10 });
    window.add(5, 9);
    expect(window.isFull).toBe(false);
    window.add(6, 90);
    expect(window.isFull).toBe(true);
    window.freeTo(5);
    expect(window.isFull).toBe(true);
    window.freeTo(6);
    expect(window.isFull).toBe(false);
  });

  it('is empty after being cleared', () => {
    const window = new Inflights({ messagesMax: 1, bytesMax: 10 });
    window.add(5, 10);
    window.clear();
    expect([window.count, window.bytesTotal, window.isFull]).toEqual([0, 0, false]);
  });

  it('holds exactly the messages above the last acknowledgement, however they come and go', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 3 }), bytes: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ free: fc.integer({ min: 0, max: 60 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = new Inflights({ messagesMax: 5, bytesMax: 20 });
        let model: { last: number; bytes: number }[] = [];
        let last = 0;
        for (const one of steps) {
          if ('free' in one) {
            window.freeTo(one.free);
            model = model.filter((message) => message.last > one.free);
          } else if (!window.isFull) {
            last += one.add;
            window.add(last, one.bytes);
            model.push({ last, bytes: one.bytes });
          }
          const bytes = model.reduce((sum, message) => sum + message.bytes, 0);
          expect([window.count, window.bytesTotal]).toEqual([model.length, bytes]);
          expect(window.isFull).toBe(model.length >= 5 || bytes >= 20);
        }
      }),
    );
  });
});
