import fc from 'fast-check';
import { InvariantError } from '../../base/index.ts';
import { EntryMarks } from './entry-marks.ts';
import { TermRuns } from './term-runs.ts';

describe('terms as runs', () => {
  test('answer like a list of terms, whatever is appended, cut off and forgotten', () => {
    const step = fc.oneof(
      fc.record({ append: fc.nat({ max: 2 }) }),
      fc.record({ cut: fc.nat({ max: 30 }) }),
      fc.record({ drop: fc.nat({ max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(step, { maxLength: 60 }), (base, steps) => {
        const runs = new TermRuns({ index: base, term: 1 });
        const naive: (number | undefined)[] = [1];
        let dropped = 0;
        for (const change of steps) {
          if ('append' in change) {
            const term = (naive.at(-1) ?? 0) + change.append;
            naive.push(term);
            runs.append(base + naive.length - 1, term);
          } else if ('drop' in change) {
            dropped = Math.min(dropped + change.drop, naive.length - 1);
            naive.fill(undefined, 0, dropped);
            runs.dropTo(base + dropped);
          } else if (change.cut >= dropped) {
            naive.length = Math.min(naive.length, change.cut + 1);
            runs.truncateTo(base + change.cut);
          }
          expect(runs.lastIndex).toBe(base + naive.length - 1);
          for (let at = -1; at <= naive.length; at += 1) expect(runs.term(base + at)).toBe(naive[at]);
        }
      }),
    );
  });

  test('refuse a hole and a falling term', () => {
    const runs = new TermRuns({ index: 0, term: 0 });
    runs.append(1, 5);
    expect(() => runs.append(3, 5)).toThrow(InvariantError);
    expect(() => runs.append(2, 4)).toThrow(InvariantError);
  });
});

describe('the marks of entries', () => {
  const mark = (crc: number): { crc: number; bytes: number } => ({ crc, bytes: 10 });

  test('grow, are cut by setting an earlier index, and begin with the base', () => {
    const marks = new EntryMarks({ index: 10, crc: 99 });
    for (let index = 11; index <= 5000; index += 1) marks.set(index, mark(index));
    expect([marks.crc(10), marks.crc(11), marks.crc(5000)]).toEqual([99, 11, 5000]);
    expect(marks.bytes).toBe(49_900);
    marks.set(20, mark(7));
    expect([marks.lastIndex, marks.crc(20), marks.bytes]).toEqual([20, 7, 100]);
    expect(() => marks.crc(21)).toThrow(InvariantError);
    expect(() => marks.set(22, mark(1))).toThrow(InvariantError);
  });

  test('forget their beginning, go on behind it, and tell where a number of bytes begins', () => {
    const marks = new EntryMarks({ index: 0, crc: 0 });
    for (let index = 1; index <= 3000; index += 1) marks.set(index, mark(index));
    marks.dropTo(2000);
    expect([marks.crc(2000), marks.crc(2001), marks.lastIndex, marks.bytes]).toEqual([
      2000, 2001, 3000, 10_000,
    ]);
    expect(() => marks.crc(1999)).toThrow(InvariantError);
    for (let index = 3001; index <= 6000; index += 1) marks.set(index, mark(index));
    expect(marks.crc(6000)).toBe(6000);
    expect([marks.indexLeaving(55), marks.indexLeaving(1e9)]).toEqual([5995, 2000]);
    marks.dropTo(6000);
    expect([marks.bytes, marks.lastIndex, marks.crc(6000)]).toEqual([0, 6000, 6000]);
  });
});
