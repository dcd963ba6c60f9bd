import fc from 'fast-check';
import { InvariantError } from '../../base/index.ts';
import { ChainCrcs } from './chain-crcs.ts';
import { TermRuns } from './term-runs.ts';

describe('terms as runs', () => {
  test('answer like a list of terms, whatever is appended and cut off', () => {
    const step = fc.oneof(fc.record({ append: fc.nat({ max: 2 }) }), fc.record({ cut: fc.nat({ max: 30 }) }));
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(step, { maxLength: 60 }), (base, steps) => {
        const runs = new TermRuns({ index: base, term: 1 });
        const naive = [1];
        for (const change of steps) {
          if ('append' in change) {
            const term = naive.at(-1)! + change.append;
            naive.push(term);
            runs.append(base + naive.length - 1, term);
          } else {
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

describe('the chain of CRCs', () => {
  test('grows, is cut by setting an earlier index, and begins with the base', () => {
    const crcs = new ChainCrcs({ index: 10, crc: 99 });
    for (let index = 11; index <= 5000; index += 1) crcs.set(index, index);
    expect([crcs.get(10), crcs.get(11), crcs.get(5000)]).toEqual([99, 11, 5000]);
    crcs.set(20, 7);
    expect(crcs.lastIndex).toBe(20);
    expect(crcs.get(20)).toBe(7);
    expect(() => crcs.get(21)).toThrow(InvariantError);
    expect(() => crcs.set(22, 1)).toThrow(InvariantError);
  });
});
